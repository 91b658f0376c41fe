#pragma once

#include "foundation/time/clock.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace gateway::journal {

// Writes instants as RFC 3339 in UTC with milliseconds, "2026-01-02T03:04:05.678Z". The calendar is worked out once a
// second; within one, only three digits change. Not thread-safe. Years 0 to 9999.
class timestamp {
 public:
  // Valid until the next call.
  std::string_view of(time::wall_instant at) noexcept;

 private:
  void write_second() noexcept;

  std::chrono::sys_seconds second_ = std::chrono::sys_seconds::min();
  std::array<char, 24> text_{};
};

}  // namespace gateway::journal
