#include "limiter/told.hpp"

#include <algorithm>

namespace gateway::limiter {

time::instant told_instants::tell(const question& who, time::instant now,
                                  const std::function<time::instant(std::size_t)>& permit) {
  const auto passed = std::ranges::lower_bound(ahead_, now, {}, &one::at);
  ahead_.erase(ahead_.begin(), passed);
  const auto same = std::ranges::find_if(
      ahead_, [&](const one& o) { return o.caller == who.caller && o.fingerprint == who.fingerprint; });
  if (same != ahead_.end()) {
    if (same->at >= who.not_before) return same->at;
    ahead_.erase(same);
  }
  // The j-th of a caller lies at least j times (all weights / its weight) permits ahead: between two of one caller
  // there is room for everybody else's share.
  const auto its = static_cast<std::uint64_t>(std::ranges::count(ahead_, who.caller, &one::caller));
  const auto may_have = std::max<std::uint64_t>(1, most_ * who.weight / who.all_weights);
  const auto first = std::min(its, may_have) * who.all_weights / who.weight;
  auto next = ahead_.begin();
  std::size_t due = 0;  // told instants that have come and not found a permit yet
  time::instant at{};
  // Enough for every told instant and a full share; beyond that it is an estimate.
  const auto end = first + ahead_.size() + most_;
  for (std::size_t k = 0; k <= end; ++k) {
    at = permit(k);
    for (; next != ahead_.end() && next->at <= at; ++next) ++due;
    if (due != 0) {
      --due;
      continue;
    }
    if (k >= first && at >= who.not_before) break;
  }
  at = std::max(at, who.not_before);
  if (its < may_have && ahead_.size() < most_) {
    const auto place = std::ranges::upper_bound(ahead_, at, {}, &one::at);
    ahead_.insert(place, {at, who.caller, who.fingerprint});
  }
  return at;
}

void told_instants::came(std::size_t caller, std::uint64_t fingerprint) noexcept {
  std::erase_if(ahead_, [&](const one& o) { return o.caller == caller && o.fingerprint == fingerprint; });
}

}  // namespace gateway::limiter
