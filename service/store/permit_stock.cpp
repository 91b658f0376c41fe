#include "store/permit_stock.hpp"

#include <algorithm>

namespace gateway::store {

void permit_stock::want(std::size_t caller, std::size_t how_many) {
  const auto found = std::ranges::find(wanted_, caller, &std::pair<std::size_t, std::size_t>::first);
  if (found != wanted_.end())
    found->second = how_many;
  else if (how_many != 0)
    wanted_.emplace_back(caller, how_many);
}

std::size_t permit_stock::wanted() const noexcept {
  std::size_t all = 0;
  for (const auto& one : wanted_) all += one.second;
  return all;
}

void permit_stock::put(const reservation& one) {
  held_.insert(std::ranges::upper_bound(held_, one.by, {}, &reservation::by), one);
}

bool permit_stock::serves(const reservation& one, time::instant now) noexcept {
  return std::max(one.from, now) + margin <= one.by;
}

const reservation* permit_stock::usable(time::instant now) const noexcept {
  const reservation* first = nullptr;
  for (const auto& one : held_) {
    if (serves(one, now) && (first == nullptr || one.from < first->from)) first = &one;
  }
  return first;
}

reservation permit_stock::take(time::instant now) {
  const auto found = std::ranges::find(held_, usable(now)->id, &reservation::id);
  const auto taken = *found;
  held_.erase(found);
  return taken;
}

std::vector<reservation> permit_stock::take_stale(time::instant now) {
  std::vector<reservation> stale;
  std::erase_if(held_, [&](const reservation& one) {
    if (serves(one, now)) return false;
    stale.push_back(one);
    return true;
  });
  return stale;
}

std::vector<reservation> permit_stock::take_all() {
  std::vector<reservation> all{held_.begin(), held_.end()};
  held_.clear();
  return all;
}

std::size_t permit_stock::missing(time::instant now) const noexcept {
  const auto there = static_cast<std::size_t>(
      std::ranges::count_if(held_, [now](const reservation& one) { return serves(one, now); }));
  const auto all = wanted();
  return all > there ? all - there : 0;
}

void permit_stock::answered(time::instant now, std::size_t granted, std::size_t usable, std::optional<opening> next,
                            time::duration reach) {
  asking_ = false;
  next_ = next;
  told_at_ = not_before_ = now;
  if (granted != 0 && usable == 0)
    pause_ = std::clamp(2 * pause_, first_pause, longest_pause);
  else if (usable != 0)
    pause_ = {};
  not_before_ = std::max(not_before_, now + pause_);
  // It is reserved as soon as it lies within reach. Not at once again: the clocks may differ by a little.
  if (!next) return;
  not_before_ = std::max({not_before_, now + std::chrono::milliseconds{1}, std::min(next->at - reach, now + news)});
}

time::instant permit_stock::stale_at() const noexcept {
  return held_.empty() ? time::instant::max() : held_.front().by - margin + time::duration{1};
}

}  // namespace gateway::store
