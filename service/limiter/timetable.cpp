#include "limiter/timetable.hpp"

#include <algorithm>

namespace gateway::limiter {

timetable::timetable(store::ledger& of, std::size_t accounts)
    : written_over_{of}, tried_over_{of}, choice_{accounts}, shared_(2 * accounts) {
  for (std::size_t i = 0; i < 2 * accounts; ++i) later_.push_back({false, projection{of}, {}});
}

// `turn(waiter, or null for the guest, when and why)` says whether a permit is drawn, and whether to go on.
template <typename Turn>
void timetable::walk(lanes& active, const order_of_turns& turns, projection& over, time::instant now, lane* guest,
                     bool ahead, const Turn& turn) {
  tags_ = turns;
  cursors_.clear();
  const auto add = [&](lane& of) {
    cursor one{&of, of.waiters.begin(), {}, guest == &of && ahead, guest == &of && !ahead};
    if (of.has_own) one.own = over.opens(of.own);
    cursors_.push_back(one);
  };
  for (auto& of : active) add(of);
  if (guest != nullptr && !guest->active.is_linked()) add(*guest);
  auto floor = now;
  while (!cursors_.empty()) {
    choice_.begin();
    for (auto& one : shared_) one.known = false;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      const auto& one = cursors_[i];
      auto& shared = shared_[sort_of(*one.of)];
      if (!shared.known) shared = {true, over.opens(one.of->shared)};
      const auto at = std::max({floor, shared.at.at, one.own.at});
      const auto last = one.guest || one.next == one.of->waiters.end();
      choice_.offer(
          {one.of, at, tags_.tag(*one.of), last ? std::numeric_limits<std::uint64_t>::max() : one.next->number_});
    }
    const auto next = choice_.choose(tags_);
    while (cursors_[chosen].of != next.of) ++chosen;
    auto& one = cursors_[chosen];
    floor = next.at;
    const auto& shared = shared_[sort_of(*one.of)].at;
    const place at{next.at, one.own.at > shared.at ? one.own.why : shared.why};
    const auto is_guest = one.guest || one.next == one.of->waiters.end();
    auto* const who = is_guest ? nullptr : &*one.next;
    if (is_guest)
      one.guest = one.guest_last = false;
    else
      ++one.next;
    const auto [draws, go_on] = turn(who, at);
    if (!go_on) return;
    if (draws) {
      over.take(one.of->draws, next.at);
      tags_.served(*one.of);
      if (one.of->has_own) one.own = over.opens(one.of->own);
    }
    if (one.next == one.of->waiters.end() && !one.guest && !one.guest_last) {
      cursors_[chosen] = cursors_.back();
      cursors_.pop_back();
    }
  }
}

void timetable::write(lanes& active, const order_of_turns& turns, time::instant now, std::vector<miss>& missed) {
  written_ = walked_ = true;
  written_at_ = now;
  first_turn_ = time::instant::max();
  for (auto& one : later_) one.begun = false;
  written_over_.begin(now);
  walk(active, turns, written_over_, now, nullptr, false, [&](waiter* who, const place& at) {
    who->expected_ = at.at;
    first_turn_ = std::min(first_turn_, at.at);
    // Whoever could go now only lacks its connection.
    const auto late = at.at > now && at.at > who->latest_;
    if (late) missed.push_back({who, at});
    return std::pair{!late, true};
  });
}

bool timetable::has_room(const lane& of, std::size_t permits, time::instant now) {
  tried_over_.begin(now);
  return tried_over_.has_room(of.draws, permits);
}

bool timetable::has_room(const lanes& active, std::size_t permits, time::instant now) {
  return std::ranges::all_of(active, [&](const lane& of) { return has_room(of, permits, now); });
}

void timetable::write_all_now(time::instant now) noexcept {
  written_ = true;
  walked_ = false;
  written_at_ = first_turn_ = now;
}

timetable::place timetable::newcomer(lanes& active, const order_of_turns& turns, lane& of, bool ahead,
                                     time::instant now) {
  place found;
  tried_over_.begin(now);
  walk(active, turns, tried_over_, now, &of, ahead, [&](waiter* who, const place& at) {
    if (who != nullptr) return std::pair{at.at <= now || at.at <= who->latest_, true};
    found = at;
    return std::pair{false, false};
  });
  return found;
}

time::instant timetable::after_all(const lane& like, std::size_t k) {
  auto& ahead = later_[sort_of(like)];
  if (!ahead.begun) {
    ahead.begun = true;
    ahead.of.begin(written_over_);
    ahead.permits.clear();
  }
  while (ahead.permits.size() <= k) {
    const auto earliest = ahead.permits.empty() ? written_at_ : ahead.permits.back();
    const auto at = std::max(earliest, ahead.of.opens(like.shared).at);
    ahead.of.take(like.shared, at);
    ahead.permits.push_back(at);
    if (ahead.permits.size() == 1) first_turn_ = std::min(first_turn_, at);
  }
  return ahead.permits[k];
}

}  // namespace gateway::limiter
