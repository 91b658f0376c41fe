#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dispatch/circuit_breaker.hpp"
#include "upstream/exchange.hpp"

namespace gateway::dispatch {

enum class operation : std::uint8_t { create_session, read_session, create_user, read_devices };

// "create_session", ...: for logs, metrics and traces.
constexpr std::string_view to_string(operation what) noexcept {
  switch (what) {
    case operation::create_session:
      return "create_session";
    case operation::read_session:
      return "read_session";
    case operation::create_user:
      return "create_user";
    case operation::read_devices:
      return "read_devices";
  }
  return {};
}

// What is done twice where it is sent twice.
constexpr bool creates(operation what) noexcept {
  return what == operation::create_session || what == operation::create_user;
}
// What a test account has windows and slots for.
constexpr bool opens_session(operation what) noexcept {
  return what == operation::create_session;
}

// What is known when an attempt is over.
struct attempt_facts {
  bool creating = false;
  bool connected = true;  // there was a connection to make it over
  bool reused = false;    // that had carried an exchange before
  upstream::exchange_end end = upstream::exchange_end::lost;
  bool sent = false;                            // the last byte of the request was handed to the socket
  bool unprocessed = false;                     // sent, and the server says that it did nothing with it
  bool waited_long = true;                      // where it timed out: not only because the caller is in a hurry
  bool permit_over = false;                     // it was not sent because its permit was of no use any more
  unsigned status = 0;                          // of the answer, where there is one
  std::optional<time::duration> retry_after{};  // what the answer asks for
  unsigned attempts = 1;                        // made so far, this one included
  bool renewed = false;                         // a 401 has been answered by a new token before
  bool caller_gone = false;
  time::duration time_left = std::chrono::seconds{10};  // until the request's deadline
  double uniform = 0.0;                                 // drawn from [0, 1)
};

struct retry_rules {
  unsigned most_attempts = 3;
  time::duration first_back_off = std::chrono::milliseconds{100};  // doubling
  time::duration longest_back_off = std::chrono::seconds{2};
  time::duration unasked_pause = std::chrono::seconds{1};  // after a 429 that does not say how long
};

enum class next_step : std::uint8_t {
  deliver,      // the answer is for the caller
  try_at_once,  // the connection had died unnoticed: as if the attempt had not been
  try_again,    // it had no effect, or may be repeated: after a wait, if the budget allows
  renew_token,  // drop the token, get a new one, try again
  give_up
};

struct plan {
  next_step step = next_step::give_up;
  time::duration wait{0};  // before try_again; none where the server asked for a pause, which the limiter keeps
};

// What follows an attempt. A request whose last byte was not sent had no effect and may be repeated. After that a
// creation may have happened, whatever came back; only a 401, a 429 and a server that says so of the request say for
// certain that it did not. A wait that would outlive the request is not begun.
plan after(const attempt_facts& facts, const retry_rules& rules) noexcept;

// Where a repetition is not to be: the answer there is, or none.
next_step without_repeating(const attempt_facts& facts) noexcept;

// What the attempt says about the upstream: transport errors and 5xx are failures, 4xx never; a connection that it
// closed while idle and a caller in a hurry say nothing.
verdict verdict_on(const attempt_facts& facts) noexcept;

// Why an attempt is repeated, from a fixed set: for logs and metrics.
std::string_view reason_of(const attempt_facts& facts) noexcept;

// Exponential with equal jitter (at least half of the step), before the attempt after the `attempts`-th.
time::duration back_off(unsigned attempts, double uniform, const retry_rules& rules) noexcept;

}  // namespace gateway::dispatch
