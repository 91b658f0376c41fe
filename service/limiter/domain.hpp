#pragma once

#include <boost/intrusive/list.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/errors/problem.hpp"
#include "foundation/time/clock.hpp"
#include "limiter/rules.hpp"
#include "store/ledger.hpp"

namespace gateway::limiter {

struct lane;

enum class kind : std::uint8_t { request, creation };

// Equal for equal requests of a caller. Of a text it is worked out where it is asked for: that reads all of the text,
// and is of use only while somebody has been told when to come back.
class fingerprint {
 public:
  fingerprint() = default;
  fingerprint(std::uint64_t known) noexcept : known_{known} {}
  // The text outlives it.
  explicit fingerprint(std::string_view of) noexcept : of_{of} {}

  std::uint64_t value() const noexcept { return of_.empty() ? known_ : std::hash<std::string_view>{}(of_); }

 private:
  std::uint64_t known_ = 0;
  std::string_view of_;
};

struct ask {
  std::size_t account = 0;  // in the domain
  std::size_t caller = 0;   // in the directory
  kind what = kind::request;
  time::instant latest{};              // a permit is of use until then; the account's max_wait bounds it further
  limiter::fingerprint fingerprint{};  // who asks again early is told the same instant
  bool in_hand = false;                // token and connection are there already
  bool again = false;                  // a repetition of a request that had its turn: to the front of its caller's line
  // It goes only while everybody in the queue could go, too, and one more: never ahead of anybody. It waits for nothing
  // but its connection, belongs to no caller and draws from what all callers share. Of kind `request`.
  bool yields = false;
};

// Why a request is refused, and when it would be admitted.
struct refusal {
  errors::guard guard = errors::guard::window;
  std::string limit{};          // "sessions-10s"; the guards `queue` and `pause` have none
  bool own = false;             // the limit is the caller's own
  std::string state{};          // for people: "1 of 1 used, 3 wait"
  time::instant admitted_at{};  // never earlier than possible
};

// One drawn permit. Outstanding until `sent` or `give_back`, then to be settled with the effect.
struct permit {
  std::size_t account = 0;
  std::size_t caller = 0;
  kind what = kind::request;
  std::uint64_t slot = 0;  // of the test account; 0: none
  store::drawing drawn{};  // as the ledger knows it
  time::instant drawn_at{};
  time::instant send_by{};   // after this it is burnt: nothing may be sent with it
  time::instant sent_at{};   // meaningful once sent
  std::uint64_t number = 0;  // 0: no permit
};

enum class stage : std::uint8_t {
  outside,    // not in the queue
  waiting,    // its turn is not near
  preparing,  // its turn is near: get a token and a connection, then say `ready`
  ready,      // has both; granted when its turn comes
  granted,    // `drawn` is its permit; it is out of the queue
  refused     // `why` says why; it is out of the queue
};

// A request in the queue. It lives with whoever asks; between `enter` and its end only the domain touches it.
class waiter {
 public:
  stage at = stage::outside;
  permit drawn{};
  refusal why{};

  // A permit is of no use after that. Later after `extend`.
  time::instant latest() const noexcept { return latest_; }

 private:
  friend class domain;
  friend class timetable;
  friend struct lane;

  boost::intrusive::list_member_hook<> place_;  // in its lane
  lane* lane_ = nullptr;
  ask asked_{};
  std::uint64_t number_ = 0;  // in the order of entering
  time::instant entered_{};
  time::instant latest_{};
  time::instant expected_{};  // by the last timetable
};

// What somebody has to be told: a waiter's stage changed to preparing, granted or refused.
using notices = std::vector<waiter*>;

struct window_state {
  std::string_view name{};                      // "sessions-10s"
  errors::guard guard = errors::guard::window;  // window, or caller for the caller's own
  std::uint32_t rate = 0;
  time::duration per{0};  // as configured
  std::uint32_t remaining = 0;
  time::instant next{};      // when one more may go, for an empty queue
  time::instant restored{};  // when the oldest used one comes back; `now` if none is used
};

struct slot_state {
  std::uint64_t id = 0;
  std::size_t account = 0;
  std::vector<std::size_t> holders{};  // caller indices
  std::string session{};               // its id, once known
  time::instant since{};
  time::instant until{};
};

struct account_state {
  std::size_t waiting = 0;
  std::optional<time::instant> oldest_since{};
  time::instant paused_until{};  // in the past: not paused
  double slow_down = 1.0;        // every window is longer by this factor
};

// Permits of one domain: exact sliding windows, slots, pauses, and the fair queue before them. Pure: every function
// takes `now`, which never goes back; nothing is done but what `out` says. Not thread-safe.
class domain {
 public:
  // With a ledger of its own, in memory.
  explicit domain(domain_rules rules);
  // `of` was made with `ledger_rules_of(rules)`.
  domain(domain_rules rules, std::unique_ptr<store::ledger> of);
  ~domain();
  domain(const domain&) = delete;
  domain& operator=(const domain&) = delete;

  // At the door. Afterwards `who` is granted (only if in_hand), ready, preparing, waiting or refused.
  void enter(waiter& who, const ask& what, time::instant now, notices& out);
  // It has a token and a connection; may be granted at once.
  void ready(waiter& who, time::instant now, notices& out);
  // It gave its connection back and keeps its place.
  void unready(waiter& who, time::instant now, notices& out);
  // It is gone. Whoever comes next moves up.
  void leave(waiter& who, time::instant now, notices& out);
  // Its time is over, and its turn has not come: the timetable cannot know all that a shared ledger knows. It is
  // refused for what keeps it back now. Nothing happens before `latest()`.
  void overdue(waiter& who, time::instant now, notices& out);
  // Somebody with more time (or of a caller with a better place) waits for the same.
  void extend(waiter& who, time::instant latest, std::size_t caller, time::instant now, notices& out);

  // The last byte was handed to the socket at `at`, which was read after it.
  void sent(permit& of, time::instant at, time::instant now, notices& out);
  // Nothing was sent: all windows and the slot are as if it had not been drawn.
  void give_back(permit& of, time::instant now, notices& out);
  // Whether settling so changes anything: else nobody need be asked.
  static bool settles(const permit& of, errors::effect how) noexcept {
    return how == errors::effect::none && of.what == kind::creation;
  }
  // After `sent`. none: the creation windows' permit comes back and the slot is free, never the request windows' one.
  // unknown: the slot is held to its end. created: the slot waits for `bind`.
  void settle(permit& of, errors::effect how, time::instant now, notices& out);

  // What the upstream asked for (429, or 503 with Retry-After): nobody goes before `until`. Monotone, capped.
  void pause(std::size_t account, time::instant until, time::instant now, notices& out);
  void hold(std::size_t account, time::instant until, time::instant now, notices& out);  // the same by an operator
  void resume(std::size_t account, time::instant now, notices& out);

  // The ledger has learnt something by itself: permits were fetched, others drew some, what it is kept in went or came
  // back.
  void ledger_changed(time::instant now, notices& out);

  // Other rules for the same accounts; callers keep their numbers, and there may be more of them at the end. What was
  // sent, drawn and held counts on, and who waits keeps the place, unless its turn is now too late.
  void change(domain_rules to, time::instant now, notices& out);

  // From now on nobody waits: who has no permit is refused, and so is everybody who would have to wait for one.
  void drain(time::instant now, notices& out);

  // The session of a slot is known.
  void bind(std::uint64_t slot, std::string_view session);
  // Another caller got the slot's session; false if the slot is no longer held.
  bool share(std::string_view session, std::size_t caller, time::instant now);
  bool holds(std::string_view session, time::instant now) const;
  // One holder gives it back; the slot is free when none is left. False: this caller holds none such.
  bool give_back_slot(std::string_view session, std::size_t caller, time::instant now, notices& out);
  // The session is completed: free, whoever holds it.
  void completed(std::string_view session, time::instant now, notices& out);
  void free_slot(std::uint64_t slot, time::instant now, notices& out);

  // When `advance` has something to do; never later than that.
  std::optional<time::instant> next_event() const;
  void advance(time::instant now, notices& out);

  // What this caller could get now: the account's and the test account's windows with what stands in the queue taken
  // off, and its own; none of it while the account is paused. Windows of a second and more and shorter ones alike.
  void windows(std::size_t account, std::size_t caller, kind what, time::instant now,
               std::vector<window_state>& into) const;
  // Without regard to callers: for metrics.
  void windows(std::size_t account, time::instant now, std::vector<window_state>& into) const;
  account_state state(std::size_t account, time::instant now) const;
  // Nothing but the shared store's return can help the account's creations.
  bool stranded(std::size_t account, time::instant now) const;
  std::vector<slot_state> slots(time::instant now) const;
  // How many permits were ever drawn: all, or those of creations.
  std::uint64_t drawn(kind what) const noexcept;

 private:
  struct parts;
  struct asking_now;
  std::unique_ptr<parts> parts_;
};

// What a domain's ledger has to count.
store::ledger_rules ledger_rules_of(const domain_rules& rules);

}  // namespace gateway::limiter
