#pragma once

#include "foundation/errors/problem.hpp"
#include "foundation/time/clock.hpp"

#include <atomic>
#include <cstddef>
#include <optional>

namespace gateway::admission {

// How many requests are being handled, over all loops. Any thread.
class request_count {
 public:
  explicit request_count(std::size_t most) noexcept : most_{most} {}
  request_count(const request_count&) = delete;
  request_count& operator=(const request_count&) = delete;

  std::size_t now() const noexcept { return now_.load(std::memory_order_relaxed); }
  std::size_t most() const noexcept { return most_; }

  // One request, while it is handled.
  class entry {
   public:
    explicit entry(request_count* of) noexcept : count_{of} {
      if (count_ != nullptr) count_->now_.fetch_add(1, std::memory_order_relaxed);
    }
    ~entry() {
      if (count_ != nullptr) count_->now_.fetch_sub(1, std::memory_order_relaxed);
    }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

   private:
    request_count* count_;
  };

 private:
  const std::size_t most_;
  std::atomic<std::size_t> now_{0};
};

// Which share of the requests a loop can still serve, from how late it comes to its deadlines.
//
//   late by `limit` or more, again and again (not once: that may be anything): a quarter less each time
//   on time, that is, by less than half of the limit:                          a sixteenth more each time
//   in between:                                                                it stays, so it does not swing
//
// The share never falls to nothing, so recovery is noticed. Which requests are served is spread evenly.
class lag_share {
 public:
  explicit lag_share(time::duration limit) noexcept : limit_{limit} {}

  // Regularly, with the lateness since the last time.
  void late_by(time::duration lag) noexcept;
  // Of a request that comes now.
  bool admits() noexcept;
  // In 64ths.
  unsigned share() const noexcept { return share_; }
  time::duration last() const noexcept { return last_; }

 private:
  static constexpr unsigned all = 64;
  static constexpr unsigned least = 4;
  static constexpr unsigned patience = 3;  // times late in a row before anything is refused

  time::duration limit_;
  time::duration last_{};
  unsigned late_in_a_row_ = 0;
  unsigned share_ = all;
  unsigned credit_ = 0;
};

// May a request come in, as far as the load goes? Asked before anything is done for it. One per loop, of which only the
// count is shared. Refusals are 503 `overloaded` with guard `overload`; nothing was done.
class load_gate {
 public:
  load_gate(request_count& requests, time::duration most_lag) noexcept : requests_{requests}, lag_{most_lag} {}

  void late_by(time::duration lag) noexcept { lag_.late_by(lag); }
  // When its head is there.
  std::optional<errors::failure> at_the_door();
  // When its body is there too, which may have taken a while.
  std::optional<errors::failure> at_the_desk() const;
  request_count& requests() noexcept { return requests_; }

 private:
  request_count& requests_;
  lag_share lag_;
};

}  // namespace gateway::admission
