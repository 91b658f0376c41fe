#include "store/history.hpp"

#include <algorithm>

namespace gateway::store {

void history::sent(time::instant at) {
  --outstanding_;
  if (largest_ == 0) return dropped(at);
  if (sent_.full() && sent_.size() < largest_)
    sent_.set_capacity(std::min(largest_, std::max<std::size_t>(8, 2 * sent_.size())));
  // Of a full ring the oldest makes room.
  if (sent_.full()) dropped(std::min(sent_.front(), at));
  // Nearly always the newest.
  if (sent_.empty() || sent_.back() <= at) return sent_.push_back(at);
  const auto place = std::ranges::upper_bound(sent_, at);
  if (!sent_.full() || place != sent_.begin()) sent_.insert(place, at);
}

void history::forget(time::instant at) {
  const auto found = std::ranges::lower_bound(sent_, at);
  if (found != sent_.end() && *found == at) sent_.erase(found);
}

void history::remember(std::size_t largest_rate) {
  largest_ = std::max(largest_, largest_rate);
  if (!last_dropped_ || sent_.size() >= largest_) return;
  sent_.set_capacity(std::max(sent_.capacity(), largest_));
  sent_.rinsert(std::ranges::upper_bound(sent_, *last_dropped_), largest_ - sent_.size(), *last_dropped_);
}

std::size_t history::since(time::instant then, std::size_t& lately) const noexcept {
  const auto after = [&](std::size_t n) { return newest(n) > then; };
  const auto all = sent_.size();
  // The answer is at least `low`, and below `high`: steps that double, and then halves.
  std::size_t low = 0;
  std::size_t high = all + 1;
  std::size_t step = 1;
  const auto begin = std::min(lately, all);
  if (begin == 0 || after(begin)) {
    low = begin;
    for (; low + step <= all && after(low + step); step *= 2) low += step;
    high = std::min(low + step, all + 1);
  } else {
    high = begin;
    for (; step < high && !after(high - step); step *= 2) high -= step;
    low = high - std::min(step, high);
  }
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    (after(middle) ? low : high) = middle;
  }
  return lately = low;
}

}  // namespace gateway::store
