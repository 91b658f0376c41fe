#include "upstream/demand.hpp"

#include <algorithm>

namespace gateway::upstream {

void recent_peak::note(std::size_t busy, time::instant now) noexcept {
  if (now - began_ >= window_) {
    before_ = now - began_ < 2 * window_ ? present_ : 0;
    present_ = 0;
    began_ = now;
  }
  present_ = std::max(present_, busy);
}

std::size_t recent_peak::at(time::instant now) const noexcept {
  if (now - began_ >= 2 * window_) return 0;
  if (now - began_ >= window_) return present_;
  return std::max(present_, before_);
}

std::size_t connections_to_prepare(const pool_facts& facts, std::size_t ready) noexcept {
  if (facts.waiting > 0 || !facts.reachable) return 0;
  const auto wanted = std::min(facts.peak, facts.busy + ready);
  const auto have = facts.idle + facts.busy + facts.connecting;
  return wanted - std::min(wanted, have);
}

}  // namespace gateway::upstream
