#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dispatch/account_health.hpp"
#include "dispatch/attempt.hpp"
#include "foundation/errors/problem.hpp"
#include "foundation/transport/departure.hpp"
#include "token/keeper.hpp"
#include "upstream/pool.hpp"
#include "upstream/wire.hpp"

namespace gateway::dispatch {

// How long the stages of a request took, where they happened.
struct stage_times {
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
};

struct call {
  operation what = operation::create_session;
  std::string_view session_id;  // for read_session
  std::string_view body;        // for create_session
  time::instant deadline;       // absolute, from ingress
  // Of whoever asked. Who leaves before anything was sent is waited for no longer; what was sent is finished. None:
  // nobody can leave.
  transport::departure* caller = nullptr;
};

// Hears of every exchange and every repetition. On the dispatcher's loop.
class observer {
 public:
  virtual ~observer() = default;
  // `status` is 0 where there was no answer.
  virtual void exchanged(operation what, unsigned status, const upstream::exchange_result& result) = 0;
  virtual void repeated(operation what, std::string_view reason) = 0;
  virtual void connect_failed(std::string_view reason) = 0;
  // This loop's attempt changed the account's circuit.
  virtual void circuit_changed(circuit_state now) = 0;
};

struct options {
  std::string account;  // for messages
  retry_rules retries{};
  time::duration longest_pause = std::chrono::minutes{15};  // the most that a Retry-After is believed
  time::duration connect_timeout = std::chrono::seconds{2};
  time::duration exchange_timeout = std::chrono::seconds{10};
  // Silence of half of this says something about Podero, less only about the caller's hurry.
  time::duration patience = std::chrono::seconds{10};
  http::parse_limits limits{.head = 32 * 1024, .body = 1024 * 1024};
};

// The attempt loop of one account on one loop: a token, the circuit's leave, a connection, one exchange, and what to do
// when one of them fails. The only place that knows both tokens and connections.
class dispatcher {
 public:
  struct parts {
    transport::loop& loop;
    upstream::pool& pool;
    token::view& tokens;
    const upstream::wire& wire;
    account_health& health;           // shared by the account's loops
    std::function<double()> uniform;  // [0, 1)
    dispatch::observer& observer;
  };
  dispatcher(parts given, options how);

  // A complete answer of the upstream in `space.answer`, whatever its status, or why there is none. Its effect is what
  // the bytes say: none while the last byte of the request was not handed to the socket.
  transport::task<std::expected<void, errors::failure>> send(call what, workspace& space);

 private:
  // How an attempt ended that was made.
  struct ended {
    attempt_facts facts;
    std::string reason;  // for people, where there is no answer
  };
  struct progress {
    unsigned attempts = 0;
    bool counted = false;  // in the budget
    bool renewed = false;
  };

  transport::task<std::expected<ended, errors::failure>> attempt(const call& what, workspace& space, bool first);
  transport::task<std::expected<token::grant, errors::failure>> get_token(const call& what, workspace& space);
  // Empty where there is none: `into` says why.
  transport::task<upstream::pool::lease> get_connection(const call& what, workspace& space, ended& into);
  transport::task<> exchange(const call& what, upstream::pool::lease& over, workspace& space, ended& into);
  transport::task<> rest(const call& what, time::duration wait);
  plan decide(const call& what, ended& last, progress& so_far);

  void compose(const call& what, const token::grant& token, std::string& request) const;
  void note_answer(workspace& space, ended& into) const;
  void conclude(account_health::permit& permit, const ended& last);
  errors::failure no_token(const token::trouble& why, const call& what) const;
  errors::failure circuit_open(time::instant worth_asking_at) const;

  parts parts_;
  options options_;
};

}  // namespace gateway::dispatch
