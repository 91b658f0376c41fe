#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "onboarding/answer.hpp"
#include "onboarding/joint.hpp"
#include "onboarding/order.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What one creation upstream came to.
struct landing {
  std::optional<errors::failure> failure{};
  std::string upstream_body{};  // Podero's answer, where it is one about a session
  session_facts facts{};
  std::optional<session_id> named{};  // with a failure: the session that its answer is about all the same
  dispatch::stage_times stages{};
  unsigned upstream_status = 0;
};

// ONE creation upstream, for as many as ask for the same. It belongs to the service and not to who began it: it goes on
// while anybody waits, with the latest deadline and the best caller among them; once its first byte has gone out it
// ends whoever waits. It runs on the loop that it was made for.
class flight final : public joint<landing>, private dispatch::journey {
 public:
  struct parts {
    transport::loop& home;
    dispatch::dispatcher& way;
    store::records& records;
    // On the home loop: judges an answer, and keeps what is to be kept of a session that was made, or may have been.
    std::function<landing(dispatch::workspace&)> arrive;
    std::function<transport::task<>(const landing&, std::uint64_t slot)> keep;
    std::function<void(const flight*)> ended;              // it is no longer under way
    std::atomic<std::size_t>& under_way;                   // counts it
    time::duration background = std::chrono::seconds{60};  // how long it may go on when nobody waits
    time::duration margin = std::chrono::seconds{15};      // and how much longer nobody else may say what became of it
  };

  // In the name of whoever ordered it.
  flight(parts given, const order& what)
      : parts_{std::move(given)}, body_{what.upstream_body}, control_{what.deadline, what.caller}, asked_{what.asking} {
    space_.trace = what.trace;
    space_.origin = what.origin;
  }

  // To be spawned once, on the home loop.
  static transport::task<> run(std::shared_ptr<flight> self);

  // Any thread. Somebody waits for it until `deadline`.
  void join(time::instant deadline, std::size_t caller);
  bool sent() const noexcept { return sent_.load(std::memory_order_acquire); }
  // Everybody left before anything was sent: whoever comes now needs another one.
  bool given_up() const noexcept { return given_up_.load(std::memory_order_acquire); }
  // True for one of all who ask: whose session it is in the first place.
  bool be_first() noexcept { return !taken_.exchange(true); }

  // What those who wait for it have waited for the store, at the most of them. Any thread.
  time::duration waited_for_store() const noexcept { return asked_->spent(); }

  // A key's record that has to say `sent` before the first byte goes out. False: that is past, say so yourself.
  bool mark_when_sent(const store::hold& key);
  // Why it does not say so, where it could not be told: its key has no part in what comes of the flight.
  std::optional<store::said> unmarked(const store::key_name& name) const;
  // It says so by itself now: taken back, and said again, with the others.
  void marked(const store::hold& key);
  // Until when a record that says so now is left alone.
  time::instant sent_lease(time::instant now) const noexcept { return now + parts_.background + parts_.margin; }
  // It need not. False: it has been said, or is being said.
  bool forget_mark(const store::key_name& name);

 private:
  transport::task<std::optional<errors::failure>> about_to_send() override;
  std::vector<store::hold> next_marks();
  transport::task<std::optional<store::said>> say_sent(std::vector<store::hold> keys);
  bool goes_on_without(const store::hold& key, store::said why);
  void had_no_effect() override;
  void deserted() override;
  transport::task<> fly();

  parts parts_;
  std::string body_;
  dispatch::call_control control_;
  std::shared_ptr<store::asking> asked_;
  dispatch::workspace space_;
  transport::departure everybody_left_;
  std::atomic<bool> sent_{false};
  std::atomic<bool> given_up_{false};
  std::atomic<bool> taken_{false};
  mutable std::mutex marks_mutex_;
  std::vector<store::hold> marks_;  // those before `marked_` have been said
  std::size_t marked_ = 0;
  bool marking_over_ = false;
  std::vector<std::pair<store::key_name, store::said>> unmarked_;
};

}  // namespace gateway::onboarding
