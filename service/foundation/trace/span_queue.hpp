#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "foundation/trace/span.hpp"

namespace gateway::trace {

// Spans on their way from one loop to the exporter: a ring of fixed size, one thread that puts in and one that takes
// out, without lock and without allocation. When it is full the newest is dropped and counted: nobody waits.
class span_queue {
 public:
  // Rounded up to a power of two.
  explicit span_queue(std::size_t capacity) : ring_(std::bit_ceil(std::max<std::size_t>(2, capacity))) {}

  // Writer's thread. False: it was dropped.
  bool push(const span& one) noexcept {
    const auto at = written_.load(std::memory_order_relaxed);
    if (at - read_.load(std::memory_order_acquire) == ring_.size()) {
      dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
    ring_[at & (ring_.size() - 1)] = one;
    written_.store(at + 1, std::memory_order_release);
    return true;
  }

  // Reader's thread. False: there is none.
  bool pop(span& into) noexcept {
    const auto at = read_.load(std::memory_order_relaxed);
    if (at == written_.load(std::memory_order_acquire)) return false;
    into = ring_[at & (ring_.size() - 1)];
    read_.store(at + 1, std::memory_order_release);
    return true;
  }

  // Any thread.
  std::size_t size() const noexcept {
    const auto read = read_.load(std::memory_order_acquire);
    return written_.load(std::memory_order_acquire) - read;
  }
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  std::vector<span> ring_;
  alignas(64) std::atomic<std::size_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};  // the writer's
  alignas(64) std::atomic<std::size_t> read_{0};
};

}  // namespace gateway::trace
