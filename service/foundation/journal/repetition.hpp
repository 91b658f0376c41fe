#pragma once

#include <cstdint>
#include <optional>

#include "foundation/time/clock.hpp"

namespace gateway::journal {

// Whether one of many equal events is worth a line: the first one is, and then one line per interval that says how many
// there were. A decision: it asks no clock. Of one thread.
class repetition {
 public:
  static constexpr time::duration usual_interval = std::chrono::seconds{10};

  explicit repetition(time::duration interval = usual_interval) noexcept : interval_{interval} {}

  // It happened. True: say so now; false: it is counted, and `due` will tell.
  bool say(time::instant now) noexcept {
    if (!quiet_until_ || now >= *quiet_until_) {
      if (unsaid_ == 0) {
        quiet_until_ = now + interval_;
        return true;
      }
    }
    ++unsaid_;
    return false;
  }

  // From time to time: how many were not said since the last line, once the interval is over. Nothing: no line.
  std::optional<std::uint64_t> due(time::instant now) noexcept {
    if (unsaid_ == 0 || now < *quiet_until_) return std::nullopt;
    quiet_until_ = now + interval_;
    const auto many = unsaid_;
    unsaid_ = 0;
    return many;
  }

  time::duration interval() const noexcept { return interval_; }

 private:
  time::duration interval_;
  std::optional<time::instant> quiet_until_;  // none: it never happened
  std::uint64_t unsaid_ = 0;
};

}  // namespace gateway::journal
