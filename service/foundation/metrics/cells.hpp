#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>

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

// One observation and the trace that it belongs to.
struct exemplar {
  std::array<char, 32> trace_id{};  // hexadecimal
  std::int64_t value_ns = 0;
  std::int64_t at_ms = 0;  // Unix time; 0: there is none
};

// The last exemplar of a bucket. Written by one thread; a reader that meets a write in progress sees none.
class exemplar_cell {
 public:
  // Owner's thread only.
  void set(const exemplar& to) noexcept {
    const auto words = std::bit_cast<words_type>(to);
    const auto before = version_.load(std::memory_order_relaxed);
    version_.store(before + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < words.size(); ++i) words_[i].store(words[i], std::memory_order_relaxed);
    version_.store(before + 2, std::memory_order_release);
  }
  exemplar get() const noexcept {
    const auto before = version_.load(std::memory_order_acquire);
    words_type words{};
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = words_[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool torn = before % 2 != 0 || version_.load(std::memory_order_relaxed) != before;
    return torn ? exemplar{} : std::bit_cast<exemplar>(words);
  }

 private:
  using words_type = std::array<std::uint64_t, sizeof(exemplar) / sizeof(std::uint64_t)>;
  std::atomic<std::uint32_t> version_{0};
  std::array<std::atomic<std::uint64_t>, std::tuple_size_v<words_type>> words_{};
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

  // The same, and what the observation is an example of: for those that a trace was kept of.
  void observe(std::chrono::nanoseconds duration, std::string_view trace_id, std::chrono::milliseconds at) {
    observe(duration);
    exemplar one{.value_ns = std::max<std::int64_t>(0, duration.count()), .at_ms = at.count()};
    if (trace_id.size() != one.trace_id.size()) return;
    std::ranges::copy(trace_id, one.trace_id.begin());
    if (!exemplars_) {
      auto made = std::make_unique<exemplar_cells>();
      shown_.store(made.get(), std::memory_order_release);
      exemplars_ = std::move(made);
    }
    const auto bucket = std::ranges::lower_bound(bounds_, one.value_ns) - bounds_.begin();
    (*exemplars_)[static_cast<std::size_t>(bucket)].set(one);
  }
  // The last one of that bucket; with at_ms 0 there is none.
  exemplar example(std::size_t bucket) const noexcept {
    const auto* const cells = shown_.load(std::memory_order_acquire);
    return cells == nullptr ? exemplar{} : (*cells)[bucket].get();
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

  using exemplar_cells = std::array<exemplar_cell, max_bounds + 1>;
  std::unique_ptr<exemplar_cells> exemplars_;  // the owner's, made with the first
  std::atomic<const exemplar_cells*> shown_{nullptr};
};

}  // namespace gateway::metrics
