#include "store/pace.hpp"

#include <algorithm>

namespace gateway::store {

namespace {

// Nearer to 1 than this is 1.
constexpr double noticeable = 1.05;

double halved(double factor) noexcept {
  const auto next = 1.0 + (factor - 1.0) / 2;
  return next < noticeable ? 1.0 : next;
}

time::duration times(time::duration per, double factor) noexcept {
  return factor == 1.0 ? per
                       : time::duration{static_cast<time::duration::rep>(static_cast<double>(per.count()) * factor)};
}

}  // namespace

void pace::pause(time::instant until, time::instant now) noexcept {
  // In a pause without a factor Podero has not had its say yet: it is an operator's.
  if (now >= until_ || worst_ == 1.0) worst_ = std::min(2 * slow_down(now), longest);
  go_on_until(until, now);
}

void pace::hold(time::instant until, time::instant now) noexcept {
  if (now >= until_) worst_ = slow_down(now);
  go_on_until(until, now);
}

void pace::go_on_until(time::instant until, time::instant now) noexcept {
  until_ = std::max({until_, std::min(until, now + longest_pause_), now});
}

void pace::resume(time::instant now) noexcept {
  until_ = std::min(until_, now);
}

double pace::slow_down(time::instant now) const noexcept {
  auto factor = worst_;
  for (auto at = until_ + step; factor > 1.0 && at <= now; at += step) factor = halved(factor);
  return factor;
}

time::instant pace::left(time::instant stamp, time::duration per, time::duration stretch,
                         time::instant now) const noexcept {
  auto factor = worst_;
  if (factor > 1.0) {
    for (auto step_ends = until_ + step; factor > 1.0; step_ends += step, factor = halved(factor)) {
      if (step_ends <= now) continue;
      // In this step, if it is in time for it; else with the next one's factor, at the earliest when that begins.
      if (const auto at = std::max(stamp + times(per, factor) + stretch, now); at < step_ends) return at;
      now = step_ends;
    }
  }
  return std::max(stamp + per + stretch, now);
}

}  // namespace gateway::store
