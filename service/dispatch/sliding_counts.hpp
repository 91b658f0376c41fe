#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "foundation/time/clock.hpp"

namespace gateway::dispatch {

// Two counts over the last `window`, kept in tenths of it: what is older than the window is gone, what is younger than
// nine tenths of it is there. Takes the same memory whatever is counted.
class sliding_counts {
 public:
  struct sums {
    std::uint64_t all = 0;
    std::uint64_t marked = 0;
  };

  explicit sliding_counts(time::duration window) noexcept
      : width_{std::max<time::duration>(window / pieces, std::chrono::milliseconds{1})} {}

  void add(time::instant now, std::uint64_t all, std::uint64_t marked) noexcept {
    // The loops' times differ by a little: an earlier one counts as the latest.
    latest_ = std::max(latest_, number_of(now));
    auto& piece = ring_[static_cast<std::size_t>(latest_ % pieces)];
    if (piece.number != latest_) piece = {.number = latest_};
    piece.sum.all += all;
    piece.sum.marked += marked;
  }

  sums over(time::instant now) const noexcept {
    const auto last = std::max(latest_, number_of(now));
    sums total;
    for (const auto& piece : ring_) {
      if (piece.number <= last - pieces) continue;
      total.all += piece.sum.all;
      total.marked += piece.sum.marked;
    }
    return total;
  }

  void clear() noexcept { ring_ = {}; }

 private:
  static constexpr std::int64_t pieces = 10;
  struct piece {
    std::int64_t number = -pieces;
    sums sum{};
  };

  std::int64_t number_of(time::instant when) const noexcept { return when.time_since_epoch() / width_; }

  time::duration width_;
  std::array<piece, pieces> ring_{};
  std::int64_t latest_ = 0;
};

}  // namespace gateway::dispatch
