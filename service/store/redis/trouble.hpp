#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "store/redis/reply.hpp"

namespace gateway::store::redis {

// Why there is no reply.
struct trouble {
  enum class kind : std::uint8_t {
    unreachable,  // there is no connection; nothing was sent
    timed_out,    // not answered within its time; the reply, should it come, is dropped
    lost,         // the connection broke before the reply came
    error         // the server answered with an error
  };

  kind what = kind::unreachable;
  // The server may have got it, and so may have done it. False is a promise: it has not, and will not.
  bool written = false;
  std::string code;    // of an error its first word: READONLY, NOSCRIPT, ...; else empty
  std::string reason;  // for people; holds no secret and no argument of a command
};

// What a command comes to.
using outcome = std::expected<reply, trouble>;

// What an error code means for whoever got it. All three are false for an error of the command itself (ERR, WRONGTYPE).
struct meaning {
  bool retryable = false;         // not done, and nothing is wrong with the command: another server, or this one later
  bool drops_connection = false;  // on this connection nothing better will come: it is dropped, a new one opened later
  bool misconfigured = false;     // will be so until somebody changes settings, here or at the server
};

// The one table. Redis Cluster is out of scope: what only a cluster says counts as misconfigured.
meaning meaning_of(std::string_view code) noexcept;

// The server does not know the script (any more): it must be sent whole.
bool is_unknown_script(const outcome& what) noexcept;

// An error reply's text taken apart: "READONLY You can't write against a read only replica."
trouble trouble_of_error(std::string_view text);

std::string_view to_string(trouble::kind what) noexcept;

}  // namespace gateway::store::redis
