#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dispatch/account_health.hpp"
#include "dispatch/attempt.hpp"
#include "foundation/errors/problem.hpp"
#include "foundation/trace/origin.hpp"
#include "foundation/trace/tracer.hpp"
#include "foundation/transport/departure.hpp"
#include "limiter/gate.hpp"
#include "token/keeper.hpp"
#include "upstream/pool.hpp"
#include "upstream/wire.hpp"

namespace gateway::dispatch {

// How long the stages of a request took, where they happened.
struct stage_times {
  std::optional<time::duration> queue;
  std::optional<time::duration> token;
  std::optional<time::duration> connect;
  std::optional<time::duration> upstream;
};

// The memory of one request on its way upstream; kept between uses.
struct workspace {
  std::string request;
  upstream::answer answer;
  std::optional<std::chrono::seconds> retry_after;  // what the answer asks for, capped and rounded up
  stage_times stages;
  trace::context trace;  // our span of the request that it is all done for; empty: it is part of no trace
  trace::origin origin;  // that request; empty: it is done for nobody in particular
  // The test account's slot that the last permit holds: of a creation that was made, or may have been. 0: none.
  std::uint64_t slot = 0;
  std::optional<time::instant> admitted_at;  // where the limits have refused it: when it is worth trying again
};

// Hears what becomes of a request on its way. On the dispatcher's loop.
class journey {
 public:
  virtual ~journey() = default;
  // Permit and connection are in hand, nothing was sent. A failure: nothing is sent, and the permit goes back.
  virtual transport::task<std::optional<errors::failure>> about_to_send() = 0;
  // It had no effect for certain: it did not go out whole, or was answered 401, 429 or another 4xx. It may be sent
  // again, after another about_to_send.
  virtual void had_no_effect() = 0;
};

// What may change about a request while it is on its way: several may come to wait for it. On the dispatcher's loop.
class call_control {
 public:
  call_control(time::instant deadline, std::size_t caller) noexcept : deadline_{deadline}, caller_{caller} {}

  // Somebody waits for it until `deadline`; in the queue it stands where `caller` would, where that is better.
  void extend(time::instant deadline, std::size_t caller);
  time::instant deadline() const noexcept { return deadline_; }
  std::size_t caller() const noexcept { return caller_; }

 private:
  friend class dispatcher;
  time::instant deadline_;
  std::size_t caller_;
  limiter::turn* turn_ = nullptr;  // while it stands in the queue
};

struct call {
  operation what = operation::create_session;
  std::string_view session_id;  // for read_session
  std::string_view path;        // for users and devices, below the API's base
  std::string_view body;        // for create_session and create_user
  time::instant deadline;       // absolute, from ingress; with `control`, the deadline is there
  std::size_t caller_index = 0;
  call_control* control = nullptr;
  journey* watch = nullptr;
  // Of whoever asked. Who leaves before anything was sent is waited for no longer; what was sent is finished. None:
  // nobody can leave.
  transport::departure* caller = nullptr;
  bool yields = false;  // it is nobody's in particular, and goes only where the limits leave room for it
};

// What is done, and for which request.
struct errand {
  operation what = operation::create_session;
  const trace::context& trace;
  const trace::origin& origin;
};

// Hears of every exchange and every repetition. On the dispatcher's loop.
class observer {
 public:
  virtual ~observer() = default;
  // `status` is 0 where there was no answer; `reused`: over a connection that had carried an exchange before. A 5xx has
  // a reason in `result`, too.
  virtual void exchanged(const errand& of, unsigned status, bool reused, const upstream::exchange_result& result) = 0;
  virtual void repeated(operation what, std::string_view reason) = 0;
  // What the limiter said: "admitted" at once, "queued" and then admitted, or "refused".
  virtual void permitted(operation what, std::string_view decision) = 0;
  // Podero asked to be left alone for so long.
  virtual void paused(time::duration how_long) = 0;
  virtual void connect_failed(const errand& of, std::string_view reason) = 0;
  // This loop's attempt changed the account's circuit. `reason`: why that attempt failed, where it did.
  virtual void circuit_changed(circuit_state now, std::string_view reason) = 0;
  // A request of that caller was sent, and its answer is not waited for any more: the gateway ends. From a destructor,
  // and then on the thread that ends it.
  virtual void abandoned(const errand& of, std::size_t caller) noexcept = 0;
};

struct options {
  std::string account;  // for messages
  // The API's server as its URL names it, for traces.
  std::string server;
  std::uint16_t port = 0;
  retry_rules retries{};
  time::duration longest_pause = std::chrono::minutes{15};  // the most that a Retry-After is believed
  time::duration connect_timeout = std::chrono::seconds{2};
  time::duration exchange_timeout = std::chrono::seconds{10};
  // Silence of half of this says something about Podero, less only about the caller's hurry.
  time::duration patience = std::chrono::seconds{10};
  // Who was refused with a token tries once more so much after there is one that is new: the API may know it only then.
  time::duration settling = std::chrono::milliseconds{500};
  // A request that is ready before its turn holds its connection for so long; then others may have it.
  time::duration longest_hold = std::chrono::seconds{1};
  // So long one that is ready waits for a permit that only has to be fetched, though its time in the queue is over.
  time::duration fetching = std::chrono::milliseconds{250};
  http::parse_limits limits{.head = 32 * 1024, .body = 1024 * 1024};
};

// The attempt loop of one account on one loop: a place in the queue, shortly before its turn a token, the circuit's
// leave and a connection, then the permit, one exchange, and what to do when one of them fails. The only place that
// knows both tokens and connections.
class dispatcher {
 public:
  struct parts {
    transport::loop& loop;
    upstream::pool& pool;
    token::view& tokens;
    const upstream::wire& wire;
    account_health& health;  // shared by the account's loops
    limiter::gate& limits;
    std::function<double()> uniform;  // [0, 1)
    dispatch::observer& observer;
    trace::tracer& tracer;
  };
  dispatcher(parts given, options how);

  // Other limits and times, from the next step of every request on.
  void adopt(options how) { options_ = std::move(how); }

  // A complete answer of the upstream in `space.answer`, whatever its status, or why there is none. Its effect is what
  // the bytes say: none while the last byte of the request was not handed to the socket.
  transport::task<std::expected<void, errors::failure>> send(call what, workspace& space);

 private:
  // How an attempt ended that was made.
  struct ended {
    attempt_facts facts;
    std::string reason;  // for people, where there is no answer, or a 5xx
  };
  struct progress {
    unsigned attempts = 0;
    unsigned status = 0;   // the last answer's
    bool counted = false;  // in the budget
    bool renewed = false;
    std::uint64_t rejected = 0;  // the token's generation that the last attempt was refused with
    bool again = false;          // had its turn before
    unsigned exchanges = 0;
  };
  // What an attempt is made with.
  struct hand {
    std::optional<account_health::permit> circuit;
    std::uint64_t token_generation = 0;  // the request is composed with it; 0: it is not composed
    trace::context span;                 // of the exchange, as the composed request says
    upstream::pool::lease connection;
  };
  struct begun {
    time::instant at;
    time::instant until;
  };
  class queued;

  transport::task<std::expected<ended, errors::failure>> attempt(const call& what, workspace& space, progress& so_far);
  // Not within its caller's frame, which is there for as long as Podero takes.
  [[gnu::noinline]] transport::task<std::optional<errors::failure>> queue(const call& what, workspace& space,
                                                                          progress& so_far, limiter::turn& place,
                                                                          hand& held, ended& into, limiter::stage at);
  time::instant ready_until(const call& what, const limiter::turn& place) const;
  transport::task<limiter::stage> stand(const call& what, limiter::turn& place, limiter::stage at, time::instant until,
                                        workspace& space);
  static void gone_stale(hand& held, ended& into);
  std::optional<time::instant> ask_circuit(hand& held, progress& so_far);
  void take_what_is_there(const call& what, workspace& space, hand& held);
  transport::task<std::optional<errors::failure>> fill(const call& what, workspace& space, progress& so_far, hand& held,
                                                       transport::departure& refused, ended& into);
  void put_down(hand& held);
  bool still_good(const hand& held) const;
  static void lay_aside(hand& held, ended& into);
  static bool lost_meanwhile(hand& held, ended& into);
  bool has_time(const call& what) const noexcept;
  bool may_begin(hand& held, bool waited, ended& into) const;
  [[gnu::noinline]] transport::task<std::optional<errors::failure>> get_token(const call& what, workspace& space,
                                                                              hand& held,
                                                                              transport::departure& refused);
  // Leaves the hand empty where there is none: `into` says why.
  transport::task<> get_connection(const call& what, workspace& space, hand& held, transport::departure& refused,
                                   ended& into);
  begun begin_exchange(const call& what, const hand& held, ended& into) const;
  // `before`: how many exchanges this call had.
  void end_exchange(const call& what, hand& held, workspace& space, upstream::exchange_result result,
                    time::instant began, unsigned before, ended& into);
  void settle(const call& what, limiter::turn& place, workspace& space, const ended& last);
  transport::task<> rest(const call& what, time::duration wait);
  void note_token(const hand& held, const attempt_facts& facts, progress& so_far);
  transport::task<> await_other_token(const call& what, workspace& space, std::uint64_t refused);
  plan decide(const call& what, ended& last, progress& so_far);
  // Out of the frame, as a failure is large.
  [[gnu::noinline]] errors::failure why_not(next_step how, const ended& last) const;

  limiter::ask ask_of(const call& what, const progress& so_far, bool in_hand) const;
  static time::instant deadline_of(const call& what) noexcept;
  static bool gone(const call& what) noexcept;
  static errors::failure caller_gone();
  static errors::failure too_late();
  void compose(const call& what, const token::grant& token, workspace& space, hand& held) const;
  void note_answer(workspace& space, ended& into);
  void blot_out_token(upstream::answer& in) const;
  // `error_type`: why it led to nothing; empty: it did not, or was not waited for any more.
  void note_stage(workspace& space, std::optional<time::duration> stage_times::* which, std::string_view name,
                  time::instant began, std::string_view error_type = {});
  void note_exchange(const call& what, const hand& held, const workspace& space, time::instant began,
                     const upstream::exchange_result& result, unsigned before);
  void conclude(account_health::permit& permit, const ended& last);
  errors::failure no_token(const token::trouble& why, const call& what) const;
  errors::failure circuit_open(time::instant worth_asking_at) const;
  errors::failure refusal_of(const limiter::refusal& why, unsigned upstream_status) const;
  errors::failure left_alone() const;

  parts parts_;
  options options_;
  time::duration usual_exchange_{0};  // what an answer takes, as a moving average
};

}  // namespace gateway::dispatch
