#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "foundation/time/clock.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::store {

using digest = std::array<std::uint8_t, 32>;

// What is known of one idempotency key.
//
//   none      nothing
//   claimed   somebody is about to create; a short lease
//   sent      the first byte may have gone out
//   done      the answer is kept, and given to everybody who comes with the key
//   unknown   it may have been created, and nobody will know; never created again
enum class key_state : std::uint8_t { none, claimed, sent, done, unknown };

enum class key_event : std::uint8_t {
  claim,      // somebody comes with the key
  overdue,    // somebody comes with the key, and the lease of whoever holds it is over
  send,       // the first byte is about to go out
  take_back,  // what was sent had no effect, and may be sent again
  finish,     // the answer
  lose,       // the outcome will not be known
  release     // it ended without effect
};

struct key_step {
  key_state to = key_state::none;
  bool allowed = false;  // whoever says so is the one who may, and gets what it asks for
};

// The whole of it. What is not allowed changes nothing but what the lease's end changes.
key_step next(key_state from, key_event what) noexcept;

// A caller's key on an account.
struct key_name {
  std::size_t caller = 0;
  std::string key{};
  friend auto operator<=>(const key_name&, const key_name&) = default;
};

struct kept_answer {
  unsigned status = 0;
  std::string session{};  // its id, for Location
  std::string body{};
};

struct claim {
  enum class outcome : std::uint8_t {
    yours,       // `token` proves it from now on
    busy,        // somebody else's, still under way
    done,        // `answer`
    unknown,     // may have been created
    other_body,  // the key stands for another request
    full         // no room for new keys
  } is = outcome::full;
  std::uint64_t token = 0;
  kept_answer answer{};
  time::instant room_at{};  // full: when there will be room
};

// A session that equal requests may get again.
struct live_session {
  std::string session{};        // its id
  std::string upstream_body{};  // Podero's answer
  time::instant made_at{};
  std::optional<std::chrono::sys_seconds> expires_at{};
};

// What one account's callers asked for: idempotency keys, and sessions for equal requests. Asynchronous, since several
// replicas may share it; nothing is evicted before its time. The functions of a key say false where the token is not
// the present holder's (a fencing token: whoever lost its lease changes nothing any more).
class records {
 public:
  virtual ~records() = default;

  // `of` is the digest of the body as the caller sent it. The lease is for whoever gets it.
  virtual transport::task<claim> claim_key(key_name name, digest of, time::instant lease_until) = 0;
  // Before the first byte: until it is true, nothing may be sent.
  virtual transport::task<bool> sending(key_name name, std::uint64_t token, time::instant lease_until) = 0;
  virtual transport::task<bool> taken_back(key_name name, std::uint64_t token) = 0;
  virtual transport::task<bool> finished(key_name name, std::uint64_t token, kept_answer answer) = 0;
  virtual transport::task<bool> lost(key_name name, std::uint64_t token) = 0;
  virtual transport::task<bool> released(key_name name, std::uint64_t token) = 0;

  // By what the request and its scope are called.
  virtual transport::task<std::optional<live_session>> live(std::string name) = 0;
  virtual transport::task<> keep_live(std::string name, live_session what, time::instant until) = 0;
  // The session is no longer for others: given back, completed, expired.
  virtual transport::task<> end_live(std::string session) = 0;
};

}  // namespace gateway::store
