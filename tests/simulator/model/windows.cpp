#include "simulator/model/windows.hpp"

#include <algorithm>

namespace simulator {

windows::windows(std::vector<rate> rates) {
  set(std::move(rates));
}

void windows::set(std::vector<rate> rates) {
  windows_.clear();
  for (const auto& r : rates) windows_.push_back({.limit = r, .times = {}});
}

std::optional<std::chrono::nanoseconds> windows::admit(std::chrono::steady_clock::time_point now) {
  std::chrono::nanoseconds wait{0};
  for (const auto& w : windows_)
    if (w.times.size() >= w.limit.count)
      wait = std::max(wait, std::chrono::nanoseconds{w.times.front() + w.limit.per - now});
  if (wait.count() > 0) return wait;
  for (auto& w : windows_) {
    if (w.times.size() >= w.limit.count) w.times.pop_front();
    w.times.push_back(now);
  }
  return std::nullopt;
}

}  // namespace simulator
