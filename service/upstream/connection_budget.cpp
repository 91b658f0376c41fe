#include "upstream/connection_budget.hpp"

#include <algorithm>

namespace gateway::upstream {

void connection_budget::join(member& who) {
  const std::lock_guard lock{mutex_};
  seats_.push_back({.who = &who});
}

void connection_budget::leave(member& who) {
  const std::lock_guard lock{mutex_};
  auto* mine = seat_of(who);
  if (mine == nullptr) return;
  waits(*mine, 0);
  seats_.erase(seats_.begin() + (mine - seats_.data()));
}

connection_budget::right connection_budget::take(member& who) {
  const std::lock_guard lock{mutex_};
  auto& mine = *seat_of(who);
  if (open_ < most_) {
    ++open_;
    ++mine.open;
    return right{*this, who};
  }
  waits(mine, mine.waits_for + 1);
  for (auto& other : seats_)
    if (other.who != &who) other.who->asked_to_yield();
  return {};
}

connection_budget::right connection_budget::take_spare(member& who) {
  const std::lock_guard lock{mutex_};
  if (open_ >= most_) return {};
  ++open_;
  ++seat_of(who)->open;
  return right{*this, who};
}

bool connection_budget::withdraw(member& who) noexcept {
  const std::lock_guard lock{mutex_};
  auto& mine = *seat_of(who);
  if (mine.waits_for == 0) return false;
  waits(mine, mine.waits_for - 1);
  return true;
}

// The right goes from hand to hand: nobody can come in between.
void connection_budget::give_back(const member& holder) noexcept {
  const std::lock_guard lock{mutex_};
  if (auto* from = seat_of(holder)) --from->open;  // it may have left, with a grant on its way
  auto* const next = neediest(holder);
  if (next == nullptr) {
    --open_;
    return;
  }
  ++next->open;
  waits(*next, next->waits_for - 1);
  next->who->granted();
}

bool connection_budget::wanted_elsewhere(const member& who) noexcept {
  if (!anybody_waits()) return false;
  const std::lock_guard lock{mutex_};
  const auto* const most_in_need = neediest(who);
  const auto* const mine = seat_of(who);
  if (most_in_need == nullptr || most_in_need == mine) return false;
  // One that has some gets no more of them where it would only be the other way round afterwards: each costs a
  // handshake.
  return most_in_need->open == 0 || most_in_need->open + 1 < mine->open;
}

std::size_t connection_budget::open() const noexcept {
  const std::lock_guard lock{mutex_};
  return open_;
}

connection_budget::seat* connection_budget::seat_of(const member& who) noexcept {
  const auto at = std::ranges::find(seats_, &who, &seat::who);
  return at == seats_.end() ? nullptr : &*at;
}

// Of those who wait the one with the fewest; of equals the next one after `from`, so that each comes round.
connection_budget::seat* connection_budget::neediest(const member& from) noexcept {
  const auto* const start = seat_of(from);
  const auto offset = start == nullptr ? 0 : static_cast<std::size_t>(start - seats_.data()) + 1;
  seat* found = nullptr;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    auto& one = seats_[(offset + i) % seats_.size()];
    if (one.waits_for > 0 && (found == nullptr || one.open < found->open)) found = &one;
  }
  return found;
}

void connection_budget::waits(seat& one, std::size_t for_how_many) noexcept {
  waiting_.store(waiting_.load(std::memory_order_relaxed) + for_how_many - one.waits_for, std::memory_order_relaxed);
  one.waits_for = for_how_many;
}

}  // namespace gateway::upstream
