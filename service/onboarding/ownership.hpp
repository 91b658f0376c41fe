#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "onboarding/answer.hpp"

namespace gateway::onboarding {

// Which caller made which session of an account, as far as this process remembers: a session is shown to nobody else.
// Any thread. Bounded: beyond `most` the oldest are forgotten, and forgotten sessions are nobody's.
class ownership {
 public:
  explicit ownership(std::size_t most = 200'000) noexcept : most_{most} {}

  void made(const session_id& id, std::size_t caller);
  // False: it is known to be another caller's.
  bool may_see(const session_id& id, std::size_t caller) const;
  // True the first time it is said of a session that is remembered.
  bool completed(const session_id& id);

 private:
  struct hash {
    std::size_t operator()(const session_id& id) const noexcept { return std::hash<std::string_view>{}(id.view()); }
  };
  struct record {
    std::size_t caller;
    bool completed = false;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<session_id, record, hash> records_;
  std::deque<session_id> order_;
};

}  // namespace gateway::onboarding
