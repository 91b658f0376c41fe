#pragma once

#include <expected>
#include <memory>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "onboarding/sessions.hpp"
#include "onboarding/turnstile.hpp"
#include "onboarding/watch.hpp"
#include "store/shared_polls.hpp"

namespace gateway::onboarding {

// Waiting for the completion of an account's sessions, on one loop.
class waiting {
 public:
  struct parts {
    transport::loop& loop;
    onboarding::sessions& sessions;
    watch_book& watches;                    // of all loops
    store::shared_polls* shared = nullptr;  // none: this process is alone
    std::size_t most_polls = 32;            // at a time
  };
  explicit waiting(parts given) : parts_{given}, turnstile_{given.loop, given.most_polls} {}
  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;

  // A place among those who wait for the session until `until`. An error: it is not this caller's.
  std::expected<std::unique_ptr<watch::place>, errors::failure> enter(std::size_t caller, const session_id& id,
                                                                      time::instant until);
  // Podero is asked now, in this caller's name, once for all who want that at the same time; whoever waits hears of it.
  // Null: the caller left.
  transport::task<seen> look(std::size_t caller, session_id id, time::instant deadline, transport::departure* who);
  // Another pace, for sessions that are waited for from now on.
  void adopt(poll_pace pace) { parts_.watches.adopt(pace); }
  // Whoever waits is answered with what is known. Once it is said on any loop it holds for all.
  void drain() { parts_.watches.drain(); }
  // How often the session is looked at, where anybody waits for it.
  std::optional<time::duration> interval(const session_id& id) const { return parts_.watches.interval(id); }

 private:
  transport::task<seen> look_alone(session_id id, dispatch::call_control& control, transport::departure& everybody);
  transport::task<> run(std::shared_ptr<watch> of, std::shared_ptr<transport::departure> poked);
  transport::task<> poll(std::shared_ptr<watch> of);
  transport::task<> ask_podero(watch& of, std::uint64_t turn);
  transport::task<bool> rest(const watch& of, time::instant until, std::shared_ptr<transport::departure> poked);
  void found(watch& of, const store::poll_turn& what);
  std::unique_ptr<workspace> take_space();
  void give_back(std::unique_ptr<workspace> space);

  parts parts_;
  turnstile turnstile_;
  time::instant not_before_{};  // there is no room for polls before
  std::vector<std::unique_ptr<workspace>> spare_;
};

}  // namespace gateway::onboarding
