#pragma once

#include <boost/intrusive/list.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "foundation/transport/departure.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "limiter/bulk.hpp"
#include "limiter/domain.hpp"
#include "store/courier.hpp"
#include "store/shared_ledger.hpp"

namespace gateway::limiter {

class gate;
class turn;

// One domain for all loops: a lock around its decisions, which is held for arithmetic only, and one timer, on the home
// loop, for its next event. Every function may be called from any thread. It outlives its gates.
class shared_domain {
 public:
  shared_domain(domain_rules rules, transport::loop& home);
  // With a ledger that replicas share, made for `ledger_rules_of(rules)`. `way` is the home loop's, and outlives it.
  shared_domain(domain_rules rules, transport::loop& home, std::unique_ptr<store::shared_ledger> of,
                store::courier& way);
  ~shared_domain();
  shared_domain(const shared_domain&) = delete;
  shared_domain& operator=(const shared_domain&) = delete;

  // Slots and their sessions; `domain` says what each does.
  void bind(std::uint64_t slot, std::string_view session);
  bool share(std::string_view session, std::size_t caller);
  bool holds(std::string_view session) const;
  bool give_back_slot(std::string_view session, std::size_t caller);
  void completed(std::string_view session);
  void free_slot(std::uint64_t slot);

  void hold(std::size_t account, time::instant until);
  void resume(std::size_t account);
  void drain();
  // `domain` says what it does.
  void change(domain_rules to);

  // By which it decides.
  time::instant now() const noexcept { return home_.clock().now(); }
  // Nothing is under way to the shared store, nor due to be sent there.
  bool settled() const;

  // On the home loop, where the ledger is shared: there is a connection to a store of this run id.
  void connected(std::string run_id);
  // The shared store does not answer.
  bool away() const;
  // While it is away: for how long the account's creations may go on here with the degraded share; zero: they may not.
  // Nothing: it is not away, or nothing of them is counted.
  std::optional<time::duration> share_left(std::size_t account) const;
  // Hears of each change of that, on the home loop, from within a decision: it must not come back. Before the first.
  void on_away(std::function<void(bool)> what) { heard_away_ = std::move(what); }

  // A line of a batch wants to come to the queue, as a creation; `bulk_pace` says when. Nothing: now.
  std::optional<time::instant> begin_bulk(std::size_t account, std::size_t caller);

  // Append.
  void windows(std::size_t account, std::size_t caller, kind what, std::vector<window_state>& into) const;
  void windows(std::size_t account, std::vector<window_state>& into) const;
  account_state state(std::size_t account) const;
  std::vector<slot_state> slots() const;
  domain_rules rules() const;
  bool of_test_account() const noexcept { return of_test_account_; }

 private:
  friend gate;
  friend turn;
  class alarm final : public time::deadline {
   public:
    explicit alarm(shared_domain& owner) noexcept : owner_{owner} {}

   private:
    void expired() override { owner_.advance(); }
    shared_domain& owner_;
  };
  // Runs on the home loop when there is something to be asked of the shared store.
  class errand final : public transport::ready_item {
   public:
    explicit errand(shared_domain& owner) noexcept : owner_{owner} {}
    void run() override { owner_.send_orders(); }

   private:
    shared_domain& owner_;
  };

  // `decide(domain, now, notices)` under the lock; then whoever is noticed hears of it. `here` is the loop of the
  // calling thread; none: it is no loop's.
  template <typename Decide>
  auto decide(transport::loop* here, time::instant now, Decide&& decide);
  void advance();
  void tell(transport::loop* here);
  void arm(transport::loop* here);
  void arm_at_home();
  bulk_pace::view view_of_bulk(std::size_t account, std::size_t caller, time::instant now) const;
  void ask_store(transport::loop* here);
  void send_orders();
  transport::task<> carry(store::order what);
  void note_away(bool was_away);

  domain_rules rules_;  // under the lock
  const bool of_test_account_;
  transport::loop& home_;
  mutable std::mutex mutex_;
  store::shared_ledger* ledger_ = nullptr;  // the domain's, where it is shared; under the lock
  store::courier* way_ = nullptr;
  domain domain_;
  bulk_pace bulk_;
  notices heard_;  // of the decision under way
  errand errand_{*this};
  bool errand_posted_ = false;  // from another loop
  std::function<void(bool)> heard_away_;
  bool sending_orders_ = false;  // what is to be asked is being taken
  std::size_t carried_ = 0;      // orders on their way
  alarm alarm_{*this};
  time::instant armed_for_ = time::instant::max();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted to the home loop
};

// The way of one loop's requests of one account into a domain. Everything is for the loop's own thread.
class gate {
 public:
  gate(transport::loop& on, shared_domain& of, std::size_t account) noexcept;
  ~gate();
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;

  // What the upstream asked for: nobody of the account goes before `until`.
  void pause(time::instant until);
  shared_domain& shared() noexcept { return domain_; }
  std::size_t account() const noexcept { return account_; }

 private:
  friend shared_domain;
  friend turn;
  void deliver();

  transport::loop& loop_;
  shared_domain& domain_;
  const std::size_t account_;
  struct inbox;
  std::unique_ptr<inbox> inbox_;  // turns that another thread's decision is about; under the domain's lock
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

using inbox_hook = boost::intrusive::list_base_hook<boost::intrusive::tag<gate>,
                                                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One request's place before the gate and then its permit. Destroying it leaves the queue; a permit with which nothing
// was sent goes back as if it had not been drawn, one that was not settled counts as of unknown effect. On its gate's
// loop; it stays where it is.
class turn final : private waiter, public inbox_hook {
 public:
  explicit turn(gate& at) noexcept : gate_{at} {}
  ~turn();
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  // `domain` says what each does; the result is where it stands then. The account is the gate's.
  stage enter(ask what);
  stage ready();
  stage unready();
  stage overdue();
  void extend(time::instant latest, std::size_t caller);
  using waiter::latest;

  // Waits while it stands at `from`, until `until` at the most. Destroying the task is enough to stop.
  transport::task<stage> change(stage from, time::instant until);

  // For what is waited for while it stands in the queue without waiting for a change, such as a connection: happens
  // when it is refused. Null: nobody wants to know.
  void on_refusal(transport::departure* what) noexcept { refusal_ = what; }

  // Once refused.
  const refusal& refused() const noexcept { return why; }
  // Once granted.
  const permit& drawn_permit() const noexcept { return drawn; }
  // The last byte of the request has just been handed to the socket.
  void sent();
  void settle(errors::effect how);

 private:
  friend gate;
  friend shared_domain;
  stage look() const;
  // Under the domain's lock.
  void wake_up() noexcept;

  gate& gate_;
  transport::parking* parked_ = nullptr;
  transport::departure* refusal_ = nullptr;
  bool queued_ = false;  // it was not decided at once: other threads may know of it
  enum class use : std::uint8_t { unsent, sent, settled } permit_ = use::unsent;
};

}  // namespace gateway::limiter
