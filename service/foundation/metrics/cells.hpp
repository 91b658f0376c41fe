#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gateway::metrics {

// For bench/observability, which asks what counting costs. Nothing that is shipped or tested defines it.
#ifdef GATEWAY_BENCH_UNCOUNTED
inline constexpr bool counting = false;
#else
inline constexpr bool counting = true;
#endif

// What one event loop writes and a scrape reads. Every cell has ONE writing thread (the owner of its shard), so a plain
// load and store do what a locked add would do, without the lock prefix; any thread may read.

class counter {
 public:
  // Owner's thread only.
  void add(std::uint64_t by = 1) noexcept {
    if constexpr (counting) value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class gauge {
 public:
  // Owner's thread only.
  void set(double to) noexcept {
    if constexpr (counting) value_.store(to, std::memory_order_relaxed);
  }
  void add(double by) noexcept { set(value() + by); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Counts per bucket in integer nanoseconds; what is cumulative, and what is a fraction of a second, is made at scrape.
class alignas(64) histogram {
 public:
  static constexpr std::size_t max_bounds = 24;

  // bounds: ascending upper bounds in nanoseconds, at most max_bounds of them; they must outlive the histogram.
  explicit histogram(std::span<const std::int64_t> bounds) noexcept : bounds_{bounds} {}

  // Owner's thread only. A bucket includes its upper bound ("le"); a negative duration (a clock's fault) counts as
  // zero.
  void observe(std::chrono::nanoseconds duration) noexcept {
    if constexpr (!counting) return;
    const std::int64_t ns = std::max<std::int64_t>(0, duration.count());
    const auto bucket = std::ranges::lower_bound(bounds_, ns) - bounds_.begin();
    raise(counts_[static_cast<std::size_t>(bucket)], 1);
    raise(sum_ns_, static_cast<std::uint64_t>(ns));
  }

  std::span<const std::int64_t> bounds() const noexcept { return bounds_; }
  // Of one bucket alone, not cumulative; index bounds().size() is the one without an upper bound.
  std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket].load(std::memory_order_relaxed); }
  std::uint64_t sum_ns() const noexcept { return sum_ns_.load(std::memory_order_relaxed); }

 private:
  static void raise(std::atomic<std::uint64_t>& cell, std::uint64_t by) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::span<const std::int64_t> bounds_;
  std::atomic<std::uint64_t> sum_ns_{0};
  std::array<std::atomic<std::uint64_t>, max_bounds + 1> counts_{};
};

}  // namespace gateway::metrics
