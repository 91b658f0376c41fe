#include "store/history.hpp"

#include <algorithm>

namespace gateway::store {

void history::sent(time::instant at) {
  --outstanding_;
  if (largest_ == 0) return;
  if (sent_.full() && sent_.size() < largest_)
    sent_.set_capacity(std::min(largest_, std::max<std::size_t>(8, 2 * sent_.size())));
  // Nearly always the newest.
  if (sent_.empty() || sent_.back() <= at) return sent_.push_back(at);
  const auto place = std::ranges::upper_bound(sent_, at);
  // Of a full ring the oldest makes room, unless it is this one.
  if (!sent_.full() || place != sent_.begin()) sent_.insert(place, at);
}

void history::forget(time::instant at) {
  const auto found = std::ranges::lower_bound(sent_, at);
  if (found != sent_.end() && *found == at) sent_.erase(found);
}

void history::remember(std::size_t largest_rate, time::instant now) {
  const bool may_have_forgotten = sent_.size() >= largest_;
  if (largest_rate > largest_ && may_have_forgotten) {
    const auto stand_in = sent_.empty() ? now : sent_.front();
    sent_.set_capacity(largest_rate);
    while (!sent_.full()) sent_.push_front(stand_in);
  } else if (sent_.capacity() > largest_rate) {
    sent_.rset_capacity(largest_rate);
  }
  largest_ = largest_rate;
}

std::size_t history::since(time::instant then) const noexcept {
  return static_cast<std::size_t>(sent_.end() - std::ranges::upper_bound(sent_, then));
}

}  // namespace gateway::store
