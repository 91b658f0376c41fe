#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stop_token>
#include <thread>

namespace gateway::support {

// How long a thread of this process did not run that wanted to: what is measured by a clock meanwhile says more about
// the machine than about the program.
class stillness {
 public:
  stillness()
      : watching_{[this](const std::stop_token& over) {
          for (auto before = std::chrono::steady_clock::now(); !over.stop_requested();) {
            std::this_thread::sleep_for(tick);
            const auto now = std::chrono::steady_clock::now();
            const std::scoped_lock lock{mutex_};
            longest_ = std::max(longest_, now - before - tick);
            before = now;
          }
        }} {}

  std::chrono::milliseconds longest() const {
    const std::scoped_lock lock{mutex_};
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest_);
  }

 private:
  static constexpr std::chrono::milliseconds tick{5};
  mutable std::mutex mutex_;
  std::chrono::steady_clock::duration longest_{0};
  std::jthread watching_;  // the last: it uses what stands above
};

}  // namespace gateway::support
