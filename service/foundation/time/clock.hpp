#pragma once

#include <chrono>

namespace gateway::time {

using duration = std::chrono::steady_clock::duration;
using instant = std::chrono::steady_clock::time_point;
using wall_instant = std::chrono::system_clock::time_point;

// Where the service learns what time it is. Decisions take instants as arguments and never ask a clock.
class clock {
 public:
  virtual ~clock() = default;
  // Monotonic: everything inside the service is measured by it. Any thread.
  virtual instant now() const noexcept = 0;
  // The calendar: only for what leaves the service (logs, dates, certificates). May jump. Any thread.
  virtual wall_instant wall_now() const noexcept = 0;
};

class system_clock final : public clock {
 public:
  instant now() const noexcept override { return std::chrono::steady_clock::now(); }
  wall_instant wall_now() const noexcept override { return std::chrono::system_clock::now(); }
};

// Stands still until a test moves it.
class manual_clock final : public clock {
 public:
  explicit manual_clock(wall_instant wall_start = wall_instant{std::chrono::sys_days{std::chrono::year{2024} / 8 / 23}})
      : now_{std::chrono::hours{1}}, wall_start_{wall_start} {}
  instant now() const noexcept override { return now_; }
  wall_instant wall_now() const noexcept override {
    return wall_start_ + std::chrono::duration_cast<wall_instant::duration>(now_ - instant{std::chrono::hours{1}}) +
           wall_jump_;
  }
  void advance(duration by) noexcept { now_ += by; }
  // The wall clock is set by somebody; the monotonic one does not notice.
  void jump_wall(wall_instant::duration by) noexcept { wall_jump_ += by; }

 private:
  instant now_;
  wall_instant wall_start_;
  wall_instant::duration wall_jump_{0};
};

}  // namespace gateway::time
