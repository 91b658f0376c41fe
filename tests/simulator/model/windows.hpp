#pragma once

#include "simulator/model/calendar.hpp"

#include <chrono>
#include <deque>
#include <optional>
#include <vector>

namespace simulator {

// Rate limits as exact sliding windows: in every interval of length P at most R requests. A refused request does not
// count.
class windows {
 public:
  explicit windows(std::vector<rate> rates);

  // Nothing: admitted, and counted. Else how long it would have to wait.
  std::optional<std::chrono::nanoseconds> admit(std::chrono::steady_clock::time_point now);
  void set(std::vector<rate> rates);  // nothing counts yet afterwards

 private:
  struct window {
    rate limit;
    std::deque<std::chrono::steady_clock::time_point> times;  // at most limit.count of them
  };
  std::vector<window> windows_;
};

}  // namespace simulator
