#include "dispatch/retry_budget.hpp"

#include <algorithm>
#include <cmath>

namespace gateway::dispatch {
namespace {

constexpr std::int64_t one = 1'000'000;

}  // namespace

retry_budget::retry_budget(budget_options options) noexcept
    : share_{std::llround(options.share * static_cast<double>(one))}, floor_per_second_{options.floor_per_second} {}

void retry_budget::on_request(time::instant now) noexcept {
  requests_.add(now, 1, 0);
  saved_ += share_;
}

bool retry_budget::take(time::instant now) noexcept {
  return take_from_share(now) || take_from_floor(now);
}

// What was earned by requests that are out of sight is gone.
std::int64_t retry_budget::saved_at(time::instant now) const noexcept {
  return std::min(saved_, share_ * static_cast<std::int64_t>(requests_.over(now).all));
}

std::uint64_t retry_budget::left(time::instant now) const noexcept {
  const auto from_share = static_cast<std::uint64_t>(saved_at(now) / one);
  if (floor_per_second_ == 0) return from_share;
  constexpr time::duration second = std::chrono::seconds{1};
  const auto from_floor = (now + second - std::max(floor_used_until_, now)) / (second / floor_per_second_);
  return from_share + static_cast<std::uint64_t>(from_floor);
}

bool retry_budget::take_from_share(time::instant now) noexcept {
  saved_ = saved_at(now);
  if (saved_ < one) return false;
  saved_ -= one;
  return true;
}

bool retry_budget::take_from_floor(time::instant now) noexcept {
  if (floor_per_second_ == 0) return false;
  constexpr time::duration second = std::chrono::seconds{1};
  const auto next = std::max(floor_used_until_, now) + second / floor_per_second_;
  if (next > now + second) return false;
  floor_used_until_ = next;
  return true;
}

}  // namespace gateway::dispatch
