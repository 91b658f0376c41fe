#pragma once

#include <cstdint>

#include "upstream/exchange.hpp"

namespace gateway::dispatch {

enum class operation : std::uint8_t { create_session, read_session };

constexpr bool creates(operation what) noexcept {
  return what == operation::create_session;
}

// What is known when an attempt is over.
struct attempt_facts {
  bool creating = false;
  upstream::exchange_end end = upstream::exchange_end::lost;
  bool sent = false;      // the last byte of the request was handed to the socket
  unsigned status = 0;    // of the answer, where there is one
  unsigned attempts = 1;  // made so far, this one included
  unsigned most_attempts = 3;
  bool renewed = false;  // a 401 has been answered by a new token before
  bool time_left = true;
};

enum class next_step : std::uint8_t {
  deliver,      // the answer is for the caller
  try_again,    // it had no effect, or may be repeated
  renew_token,  // drop the token, get a new one, try again
  give_up
};

// What follows an attempt. A request whose last byte was not sent had no effect and may be repeated. After that a
// creation may have happened, whatever came back; only a 401 says for certain that it did not.
next_step after(const attempt_facts& facts) noexcept;

}  // namespace gateway::dispatch
