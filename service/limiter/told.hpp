#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "foundation/time/clock.hpp"

namespace gateway::limiter {

// Which instants refused callers have been told. Each stands for one permit to come, so that obedient callers do not
// collide; nobody is told more of them than its share, so that one who asks and asks moves nobody. They are words: no
// permit is kept for them.
class told_instants {
 public:
  explicit told_instants(std::size_t most) : most_{most} {}

  struct question {
    std::size_t caller = 0;
    std::uint64_t fingerprint = 0;  // who asks again the same is told the same
    time::instant not_before{};
    std::uint64_t weight = 1;
    std::uint64_t all_weights = 1;  // of all callers
  };
  // `permit(k)` is when the k-th permit to come can be drawn, from 0, never earlier than the one before it.
  time::instant tell(const question& who, time::instant now, const std::function<time::instant(std::size_t)>& permit);
  // It has come back: granted, or in the queue.
  void came(std::size_t caller, std::uint64_t fingerprint) noexcept;
  std::size_t size() const noexcept { return ahead_.size(); }

 private:
  struct one {
    time::instant at{};
    std::size_t caller = 0;
    std::uint64_t fingerprint = 0;
  };

  std::size_t most_;
  std::vector<one> ahead_;  // in the order of their instants
};

}  // namespace gateway::limiter
