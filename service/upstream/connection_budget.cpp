#include "upstream/connection_budget.hpp"

#include <algorithm>

namespace gateway::upstream {

void connection_budget::join(member& who) {
  const std::lock_guard lock{mutex_};
  members_.push_back(&who);
}

void connection_budget::leave(member& who) {
  const std::lock_guard lock{mutex_};
  std::erase(members_, &who);
  std::erase(line_, &who);
  note_line();
}

connection_budget::right connection_budget::take(member& who) {
  const std::lock_guard lock{mutex_};
  if (open_ < most_) {
    ++open_;
    return right{*this};
  }
  line_.push_back(&who);
  note_line();
  for (auto* other : members_)
    if (other != &who) other->asked_to_yield();
  return {};
}

connection_budget::right connection_budget::take_spare() {
  const std::lock_guard lock{mutex_};
  if (open_ >= most_) return {};
  ++open_;
  return right{*this};
}

bool connection_budget::withdraw(member& who) noexcept {
  const std::lock_guard lock{mutex_};
  const auto at = std::ranges::find(line_, &who);
  if (at == line_.end()) return false;
  line_.erase(at);
  note_line();
  return true;
}

void connection_budget::give_back() noexcept {
  const std::lock_guard lock{mutex_};
  if (line_.empty()) {
    --open_;
    return;
  }
  auto* next = line_.front();  // the right goes from hand to hand: nobody can come in between
  line_.pop_front();
  note_line();
  next->granted();
}

bool connection_budget::wanted_elsewhere(std::size_t open) const noexcept {
  if (!anybody_waits()) return false;
  const std::lock_guard lock{mutex_};
  if (line_.empty()) return false;
  const auto share = std::max<std::size_t>(1, most_ / std::max<std::size_t>(1, members_.size()));
  return open > share || most_ < members_.size();
}

std::size_t connection_budget::open() const noexcept {
  const std::lock_guard lock{mutex_};
  return open_;
}

}  // namespace gateway::upstream
