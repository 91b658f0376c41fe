#pragma once

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "onboarding/answer.hpp"

namespace gateway::onboarding {

// What a caller sees again of a session that it asked for.
struct own_session {
  session_id id;
  time::wall_instant created_at{};
  std::optional<time::wall_instant> slot_until{};  // on a test account, while its slot is held
  std::string idempotency_key{};                   // empty: none
  std::string external_metadata{};                 // JSON, as the caller sent it; empty: none
  std::optional<time::duration> poll_interval{};   // how often it is looked at, where anybody waits for it
};

// Which callers made which session of an account, or were given it, as far as this process remembers: a session is
// shown to nobody else. Any thread. Bounded: beyond `most` the oldest are forgotten, and forgotten sessions are
// nobody's.
class ownership {
 public:
  explicit ownership(std::size_t most = 200'000) noexcept : most_{most} {}

  // `what.id` is this caller's from now on too.
  void made(std::size_t caller, own_session what);
  // False: it is known to be another caller's.
  bool may_see(const session_id& id, std::size_t caller) const;
  // False: it is not known to be this caller's.
  bool owns(const session_id& id, std::size_t caller) const;
  // It is not pending any more, as far as is known.
  bool ended(const session_id& id) const;
  // True the first time it is said of a session that is remembered.
  bool completed(const session_id& id);
  void expired(const session_id& id);
  // The pending ones of a caller, newest first; without their slots. At most `most`.
  std::vector<own_session> open_of(std::size_t caller, std::size_t most) const;

 private:
  struct hash {
    std::size_t operator()(const session_id& id) const noexcept { return std::hash<std::string_view>{}(id.view()); }
  };
  struct owner {
    std::size_t caller = 0;
    std::string idempotency_key{};
    std::string external_metadata{};
  };
  struct record {
    boost::container::small_vector<owner, 1> owners{};
    time::wall_instant created_at{};
    session_state state = session_state::pending;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  // What is forgotten makes room for what is new: once `most_` are remembered, a session costs no allocation.
  std::pmr::unsynchronized_pool_resource memory_;
  std::pmr::unordered_map<session_id, record, hash> records_{&memory_};
  std::pmr::deque<session_id> order_{&memory_};
  std::pmr::unordered_map<std::size_t, std::pmr::deque<session_id>> by_caller_{
      &memory_};  // oldest first; may name forgotten ones
};

}  // namespace gateway::onboarding
