#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "foundation/time/clock.hpp"
#include "limiter/gate.hpp"
#include "onboarding/account_view.hpp"
#include "onboarding/answer.hpp"
#include "onboarding/board.hpp"
#include "onboarding/creation.hpp"
#include "onboarding/flight.hpp"
#include "onboarding/order.hpp"
#include "onboarding/ownership.hpp"
#include "onboarding/scratch.hpp"
#include "onboarding/watch.hpp"
#include "store/records.hpp"
#include "store/shared_polls.hpp"

namespace gateway::onboarding {

// The memory of one request about a session; kept between uses.
struct workspace {
  scratch memory;
  std::string upstream_body;
  defaulted from_defaults;
  dispatch::workspace way;
  transport::departure* caller = nullptr;  // whoever asks; none: nobody can leave
};

// A session or user that was made, for the record.
struct made_session {
  std::size_t caller = 0;              // who asked first
  const trace::origin& origin;         // with which request
  std::string_view id{};               // empty: not known
  std::string_view idempotency_key{};  // empty: none
  std::string_view trace_id{};         // empty: none
  bool of_user = false;                // it is a user, whose id is not told
};

// Hears what became of sessions, and of users. On the loop of the request.
class observer {
 public:
  virtual ~observer() = default;
  // A session or a user. Also where nobody waits for it any more.
  virtual void created(const made_session& what) = 0;
  // Podero has made it, or may have (`how`), and there is no answer that can be handed on.
  virtual void unaccounted(const made_session& what, errors::effect how) = 0;
  // Podero answered with success, and its body cannot be used, for that reason.
  virtual void unusable(dispatch::operation what, std::string_view reason) = 0;
  virtual void reused() = 0;
  virtual void replayed() = 0;
  virtual void completed() = 0;  // once per session that this process made
  virtual void foreign_member_dropped() = 0;
  // What one creation has waited for the store that replicas share, in all.
  virtual void waited_for_store(time::duration total) = 0;
};

// Which requests get a live session again.
struct reuse_rules {
  time::duration lifetime{0};  // of the session; zero: none do
  bool across_callers = false;
};

// What the loops of one account share.
struct shared_sessions {
  ownership owners{};
  onboarding::board board{};
  limiter::shared_domain& limits;
  std::size_t account = 0;    // in `limits`
  const reuse_rules reuse{};  // with which each loop begins
  // Creations under way that may outlive those who asked for them.
  std::atomic<std::size_t> under_way{0};
  watch_book watches{};  // what is waited for
};

// What a caller asks for. The views are used until `create` returns.
struct creation_request {
  std::size_t caller = 0;
  const creation_policy& policy;
  std::string_view body;
  time::instant deadline{};                           // of the whole answer
  std::optional<std::string_view> idempotency_key{};  // 1 to 255 printable ASCII characters, without quotes
  bool may_reuse = true;                              // `Prefer: reuse=no` says otherwise
};

struct creation_answer {
  unsigned status = 201;  // 200 where a live session was reused
  session_id id{};
  bool replayed = false;  // the answer of an earlier request with the same key
};

// The onboarding sessions of one account on one loop: the use case behind the caller-facing routes.
class sessions {
 public:
  struct parts {
    transport::loop& loop;
    dispatch::dispatcher& way;
    const answer_policy& answers;
    shared_sessions& shared;
    store::records& records;  // what the account's loops and replicas remember, from this loop
    const time::clock& clock;
    onboarding::observer& observer;
    std::string account;  // its name, for messages
    std::function<upstream_view()> health;
    store::shared_polls* polls = nullptr;  // of all replicas; none: this process is alone
  };
  explicit sessions(parts given) : parts_{std::move(given)}, reuse_{parts_.shared.reuse} {}

  // Other rules of reuse, for requests to come.
  void adopt(reuse_rules reuse) noexcept { reuse_ = reuse; }

  // A session for the caller's body, within `deadline`, and its answer's body in `out`: a new one, or a live one that
  // the same request made before, or what the request's key stands for. When the caller leaves it ends at once if
  // nothing was sent; what was sent is finished.
  transport::task<std::expected<creation_answer, errors::failure>> create(creation_request what, workspace& space,
                                                                          std::string& out);

  // What there is to say without creating anything: the faults of the body, or what the key stands for already.
  // Nothing: `create` it.
  transport::task<std::optional<std::expected<creation_answer, errors::failure>>> foresee(creation_request what,
                                                                                          workspace& space,
                                                                                          std::string& out);

  // In whose name Podero is asked for a session, and how.
  struct looking {
    dispatch::call_control* control = nullptr;  // deadline and caller
    transport::departure* caller = nullptr;     // none: nobody can leave
    bool yields = false;
  };
  // The same without regard to whose it is.
  transport::task<std::expected<session_facts, errors::failure>> look(session_id id, looking how, workspace& space,
                                                                      std::string& out);
  // What another replica saw.
  std::expected<session_facts, errors::failure> learn(const session_id& id, std::string_view upstream_body,
                                                      workspace& space, std::string& out);
  // An error, as if there were no such session: it is another caller's.
  std::expected<void, errors::failure> check_owner(std::size_t caller, const session_id& id) const;

  transport::task<std::expected<session_facts, errors::failure>> read(std::size_t caller, session_id id,
                                                                      time::instant deadline, workspace& space,
                                                                      std::string& out);

  // A line of a batch may be created now: what it draws from has room, and nobody else waits. Otherwise: look again
  // then.
  std::optional<time::instant> begin_bulk(std::size_t caller) {
    return parts_.shared.limits.begin_bulk(parts_.shared.account, caller);
  }

  // The caller does not need the session's slot any more; nobody gets the session by reuse from it. True also when it
  // was free already. False: the caller has no such session.
  bool give_back_slot(std::size_t caller, const session_id& id);

  account_view view(std::size_t caller) const;
  // What this caller could get now, for headers. Appends.
  void windows(std::size_t caller, bool of_creations, std::vector<window_state>& into) const;

 private:
  friend class keyed_creation;

  // How an order goes upstream for an idempotency key; none of it for a request without one.
  struct way_taken {
    std::optional<store::hold> key{};
    std::function<void(const std::shared_ptr<flight>&)> takes{};
    transport::departure* who = nullptr;
  };
  struct obtained {
    std::optional<errors::failure> failure{};
    unsigned status = 0;
    session_id id{};
    dispatch::stage_times stages{};
    unsigned upstream_status = 0;
  };

  // Who asked for a flight first.
  struct author {
    author(const creation_request& of, const dispatch::workspace& way);
    explicit author(const order& of)
        : caller{of.caller},
          idempotency_key{of.idempotency_key},
          external_metadata{of.external_metadata},
          trace{of.trace},
          origin{of.origin} {}
    std::size_t caller;
    std::string idempotency_key;
    std::string external_metadata;
    trace::context trace;
    trace::origin origin;
  };

  using created = std::expected<creation_answer, errors::failure>;
  static transport::task<created> refused(errors::failure why);
  transport::task<created> refused_unless_known(creation_request what, workspace& space, std::string& out,
                                                errors::failure why);
  transport::task<std::optional<created>> known(creation_request what, workspace& space, std::string& out);
  transport::task<created> create_alone(creation_request what, workspace& space, std::string& out);
  // Out of the frame, which is there for as long as Podero takes.
  [[gnu::noinline]] created made_alone(const creation_request& what, workspace& space, std::string& out);
  [[gnu::noinline]] void lost_alone(const creation_request& what, const std::optional<session_id>& named,
                                    workspace& space, errors::effect how);
  creation_answer replay(const creation_request& what, store::kept_answer kept, workspace& space, std::string& out);
  transport::task<created> create_keyed(creation_request what, workspace& space, std::string& out);
  transport::task<created> create_shared(creation_request what, workspace& space, std::string& out);
  order order_of(const creation_request& what, const workspace& space) const;

  transport::task<obtained> obtain(const order& what, way_taken way, time::instant until, std::string& out);
  transport::task<std::optional<obtained>> obtain_live(const order& what, std::string& out);
  std::pair<std::shared_ptr<flight>, bool> flight_for(const order& what);
  transport::task<std::shared_ptr<const landing>> fly(const order& what, const way_taken& way, time::instant until,
                                                      std::shared_ptr<flight>& on);
  obtained compose(const order& what, std::string_view upstream_body, bool reused, std::string& out);
  landing arrive(dispatch::workspace& space);
  void lost(const author& who, std::optional<session_id> session, std::uint64_t slot, errors::effect how);
  transport::task<> keep(std::optional<store::live_name> reuse, author who, std::shared_ptr<store::asking> by,
                         const landing& what, std::uint64_t slot);
  bool usable(const store::live_session& one) const;

  std::expected<session_facts, errors::failure> conclude(dispatch::operation what, const answer_context& context,
                                                         dispatch::workspace& way, scratch& memory, std::string& out,
                                                         std::optional<session_id>* named = nullptr);
  void no_longer_live(const session_id& id);
  void belongs(std::size_t caller, const session_id& id, std::string key, std::string metadata);
  void ended(const session_facts& facts);
  void note(const session_facts& facts);
  std::unexpected<errors::failure> told(errors::failure why, std::size_t caller) const;

  parts parts_;
  reuse_rules reuse_;
  scratch memory_;
};

}  // namespace gateway::onboarding
