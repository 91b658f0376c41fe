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

std::size_t history::since(time::instant then) const noexcept {
  // In the ring's two stretches of memory: a step of its own iterators costs three times as much, and this is asked for
  // every window of every answer.
  const auto after = [then](std::pair<const time::instant*, std::size_t> some) {
    const auto* const end = some.first + some.second;
    return static_cast<std::size_t>(end - std::upper_bound(some.first, end, then));
  };
  const auto newer = sent_.array_two();
  const auto late = after(newer);
  return late == newer.second ? late + after(sent_.array_one()) : late;
}

}  // namespace gateway::store
