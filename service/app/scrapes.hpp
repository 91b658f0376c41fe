#pragma once

#include <mutex>

#include "foundation/time/clock.hpp"

namespace gateway::app {

// When the metrics were read, to know whether whoever reads them has had the last of them, and when it comes for them.
// Any thread.
class scrapes {
 public:
  // Nobody is waited for longer than that after its last visit.
  static constexpr time::duration longest_interval = std::chrono::minutes{1};

  void scraped(time::instant now) {
    const std::lock_guard lock{mutex_};
    if (last_ != time::instant{}) interval_ = now - last_;
    last_ = now;
  }

  // Whether one more scrape is to be expected after `since`: one has come twice, with an interval that can be waited
  // for, and is not yet overdue.
  bool expected(time::instant since, time::instant now) const {
    const std::lock_guard lock{mutex_};
    if (last_ == time::instant{} || interval_ == time::duration{} || interval_ > longest_interval) return false;
    return last_ <= since && now < last_ + interval_ + interval_ / 8 + std::chrono::milliseconds{100};
  }

 private:
  mutable std::mutex mutex_;
  time::instant last_{};
  time::duration interval_{};
};

}  // namespace gateway::app
