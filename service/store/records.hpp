#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "foundation/time/clock.hpp"
#include "foundation/transport/loop.hpp"
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
  release,    // it ended without effect
  renew       // whoever claimed it still waits for its turn
};

inline constexpr std::size_t key_states = 5;
inline constexpr std::size_t key_events = 8;

struct key_step {
  key_state to = key_state::none;
  bool allowed = false;  // whoever says so is the one who may, and gets what it asks for
};

// The whole of it. What is not allowed changes nothing but what the lease's end changes. Whoever sent with a key that a
// store has lost since writes anew what came of it: nobody creates with it again who comes after that.
key_step next(key_state from, key_event what) noexcept;

// A caller's key on an account.
struct key_name {
  std::size_t caller = 0;
  std::string key{};
  friend auto operator<=>(const key_name&, const key_name&) = default;
};

// What one request has asked the store for: how long it has waited for it in all, since its patience with a store that
// is not well is a total, and in which order. Any thread.
class asking {
 public:
  time::duration spent() const noexcept { return time::duration{spent_.load(std::memory_order_relaxed)}; }
  void spend(time::duration more) noexcept { spent_.fetch_add(more.count(), std::memory_order_relaxed); }
  // It waits with others: what the most patient of them has spent counts for it, too.
  void at_least(time::duration others) noexcept {
    auto mine = spent_.load(std::memory_order_relaxed);
    while (mine < others.count() && !spent_.compare_exchange_weak(mine, others.count(), std::memory_order_relaxed)) {
    }
  }
  std::uint32_t next_step() noexcept { return 1 + steps_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<time::duration::rep> spent_{0};
  std::atomic<std::uint32_t> steps_{0};
};

// A key in the hands of the request that claimed it.
struct hold {
  key_name name{};
  digest of{};  // as it was claimed
  std::uint64_t token = 0;
  std::shared_ptr<asking> by = std::make_shared<asking>();
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
    full,        // no room for new keys
    away         // the store does not answer
  } is = outcome::away;
  std::uint64_t token = 0;
  bool sent = false;  // busy: the first byte may have gone out
  kept_answer answer{};
  time::instant room_at{};  // full: when there will be room
};

// What became of something that the store was told.
enum class said : std::uint8_t {
  yes,  // it is recorded
  no,   // the token is not the present holder's, or what was said does not follow from what is recorded
  away  // the store does not answer; it may have been recorded or not
};

// What a session may be got again by: the digest of the request and who may have it, one caller or all of them.
struct live_name {
  std::optional<std::size_t> caller{};
  digest of{};
  friend auto operator<=>(const live_name&, const live_name&) = default;
};

// A session that equal requests may get again.
struct live_session {
  std::string session{};        // its id
  std::string upstream_body{};  // Podero's answer
  std::optional<std::chrono::sys_seconds> expires_at{};
};

struct records_bounds {
  std::size_t keys = 100'000;
  std::size_t bytes = 64U << 20U;  // of keys and answers, where this process keeps them
  time::duration retention = std::chrono::hours{24};
  std::size_t live_sessions = 10'000;
};

// What one account's callers asked for: idempotency keys, and sessions for equal requests. Asynchronous, since several
// replicas may share it; nothing is evicted before its time. What is said of a key counts only with the present
// holder's token (a fencing token: whoever lost its lease changes nothing any more).
class records {
 public:
  virtual ~records() = default;

  // The answer of a key that is `done`, where this process knows it without asking anybody: the usual replay. Nothing:
  // `claim_key` says what there is to say.
  virtual std::optional<kept_answer> kept_here(const key_name& /*name*/, const digest& /*of*/) { return std::nullopt; }

  // `of` is the digest of the body as the caller sent it. The lease is for whoever gets it.
  virtual transport::task<claim> claim_key(key_name name, digest of, time::instant lease_until,
                                           std::shared_ptr<asking> by) = 0;
  // Whoever claimed it still waits. A key that has been sent needs no renewal, and says no.
  virtual transport::task<said> renewed(hold what, time::instant lease_until) = 0;
  // Before the first byte: until it is `yes`, nothing may be sent. After `away` the key is to be released.
  virtual transport::task<said> sending(hold what, time::instant lease_until) = 0;
  virtual transport::task<said> taken_back(hold what) = 0;
  // After the fact. `away`: whoever keeps the records goes on trying in the background, for a while; what is not
  // recorded then the lease's end makes `unknown`.
  virtual transport::task<said> finished(hold what, kept_answer answer) = 0;
  virtual transport::task<said> lost(hold what) = 0;
  virtual transport::task<said> released(hold what) = 0;

  // Waits until `until`, or less where it is heard that something has become of the key: a hint, and no more. On the
  // calling loop.
  virtual transport::task<> changed(transport::loop& here, key_name name, time::instant until) = 0;

  // Nothing where the store does not answer: then a new session is made, if it can be.
  virtual transport::task<std::optional<live_session>> live(live_name name, std::shared_ptr<asking> by) = 0;
  // Returns when it is kept, or when whoever asks has no patience left: it is kept all the same, if it can be.
  virtual transport::task<> keep_live(live_name name, live_session what, time::instant until,
                                      std::shared_ptr<asking> by) = 0;
  // The session is no longer for others: given back, completed, expired.
  virtual transport::task<> end_live(std::string session) = 0;
};

}  // namespace gateway::store
