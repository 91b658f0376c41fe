#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "dispatch/attempt.hpp"
#include "foundation/errors/problem.hpp"
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
  stage_times stages;
};

struct call {
  operation what = operation::create_session;
  std::string_view session_id;  // for read_session
  std::string_view body;        // for create_session
  time::instant deadline;       // absolute, from ingress
};

// Hears of every exchange and every repetition. On the dispatcher's loop.
class observer {
 public:
  virtual ~observer() = default;
  // `status` is 0 where there was no answer.
  virtual void exchanged(operation what, unsigned status, const upstream::exchange_result& result) = 0;
  virtual void repeated(operation what, std::string_view reason) = 0;
  virtual void connect_failed(std::string_view reason) = 0;
};

struct options {
  std::string account;  // for messages
  unsigned most_attempts = 3;
  time::duration connect_timeout = std::chrono::seconds{2};
  time::duration exchange_timeout = std::chrono::seconds{10};
  http::parse_limits limits{.head = 32 * 1024, .body = 1024 * 1024};
};

// The attempt loop of one account on one loop: a token, a connection, one exchange, and what to do when one of them
// fails. The only place that knows both tokens and connections.
class dispatcher {
 public:
  dispatcher(transport::loop& loop, upstream::pool& pool, token::view& tokens, const upstream::wire& wire, options how,
             observer& hears);

  // A complete answer of the upstream in `space.answer`, whatever its status, or why there is none. Its effect is what
  // the bytes say: none while the last byte of the request was not handed to the socket.
  transport::task<std::expected<void, errors::failure>> send(call what, workspace& space);

 private:
  struct attempt_state {
    unsigned attempts = 0;
    bool renewed = false;
  };

  transport::task<std::expected<token::grant, errors::failure>> get_token(const call& what, workspace& space);
  transport::task<std::expected<upstream::pool::lease, errors::failure>> get_connection(const call& what,
                                                                                        workspace& space);
  void compose(const call& what, const token::grant& token, std::string& request) const;
  errors::failure failure_of(const call& what, const upstream::exchange_result& result) const;

  transport::loop& loop_;
  upstream::pool& pool_;
  token::view& tokens_;
  const upstream::wire& wire_;
  options options_;
  observer& observer_;
};

}  // namespace gateway::dispatch
