#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace gateway::limiter {

// Whose turn it is among callers of different weights: start-time fair queueing (Goyal, Vin, Cheng 1996). Whoever has
// the smallest tag goes next; a caller that was away starts at the time of those that were here, with no credit.
class shares {
 public:
  explicit shares(const std::vector<std::uint32_t>& weights) {
    for (const auto weight : weights) cost_.push_back(one / std::max<std::uint32_t>(weight, 1));
    finish_.resize(cost_.size());
  }

  // Other weights; there may be more callers at the end. What was served counts on.
  void reweigh(const std::vector<std::uint32_t>& weights) {
    cost_.clear();
    for (const auto weight : weights) cost_.push_back(one / std::max<std::uint32_t>(weight, 1));
    finish_.resize(cost_.size());
  }

  using tag = std::uint64_t;
  // The tag of the next permit of a caller; `behind` further ones of its go before.
  tag next(std::size_t caller, std::size_t behind = 0) const noexcept {
    return std::max(now_, finish_[caller]) + behind * cost_[caller];
  }
  void served(std::size_t caller) noexcept {
    now_ = std::max(now_, finish_[caller]);
    finish_[caller] = now_ + cost_[caller];
  }
  // Its permit was given back.
  void returned(std::size_t caller) noexcept { finish_[caller] -= std::min(finish_[caller], cost_[caller]); }

 private:
  static constexpr tag one = 1U << 20U;  // what a permit costs a caller of weight 1

  tag now_ = 0;
  std::vector<tag> finish_;
  std::vector<tag> cost_;
};

}  // namespace gateway::limiter
