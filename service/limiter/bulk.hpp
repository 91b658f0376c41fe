#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "foundation/time/clock.hpp"

namespace gateway::limiter {

// When a request of the lowest class, a line of a batch, may come to the queue at all: when nobody stands in it, when a
// permit can be drawn at once, and never faster than that all together go as evenly as the windows let pass in the long
// run. So there is at most one of them before anybody who comes, and permits come back one by one, not all at the end
// of a window that a burst has filled. Shared by the accounts of a domain. Pure.
class bulk_pace {
 public:
  struct view {
    time::instant opens{};       // when a permit can be drawn, as far as is known
    time::duration interval{0};  // between two permits, where all go evenly
    std::uint64_t drawn = 0;     // permits of that window's sort, ever
    bool anybody_waits = false;
  };

  // Nothing: it may come now, and counts as come. Otherwise: look again then.
  std::optional<time::instant> begin(const view& seen, time::instant now) noexcept {
    // Who comes late for a timer's sake has the next one in time again; who was kept away longer has no credit.
    due_ = std::max(due_, now - seen.interval);
    due_ += seen.interval * drawn_by_others(seen.drawn);
    if (seen.anybody_waits) return now + std::clamp<time::duration>(seen.interval / 8, shortest_look, longest_look);
    if (const auto at = std::max(seen.opens, due_); at > now) return at;
    due_ += seen.interval;
    expected_ = std::min(expected_ + 1, most_expected);
    return std::nullopt;
  }

 private:
  static constexpr time::duration shortest_look = std::chrono::milliseconds{1};
  static constexpr time::duration longest_look = std::chrono::milliseconds{50};
  static constexpr std::uint64_t most_expected = 16;  // some lines draw none: what is known already, what is refused

  // Since the last look. Of those that were to come the first are taken for ours.
  std::int64_t drawn_by_others(std::uint64_t drawn) noexcept {
    const auto before = std::exchange(drawn_, drawn).value_or(drawn);  // what came before the first line does not count
    const auto fresh = drawn - std::min(before, drawn);
    const auto ours = std::min(fresh, expected_);
    expected_ -= ours;
    return static_cast<std::int64_t>(fresh - ours);
  }

  time::instant due_{};
  std::optional<std::uint64_t> drawn_{};
  std::uint64_t expected_ = 0;  // permits that lines which came will draw
};

}  // namespace gateway::limiter
