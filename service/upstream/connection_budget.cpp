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
  waiting_.store(line_.size(), std::memory_order_relaxed);
}

bool connection_budget::take(member& who) {
  std::vector<member*> others;
  {
    const std::lock_guard lock{mutex_};
    if (open_ < most_) {
      ++open_;
      return true;
    }
    line_.push_back(&who);
    waiting_.store(line_.size(), std::memory_order_relaxed);
    others = members_;
  }
  for (auto* other : others)
    if (other != &who) other->asked_to_yield();
  return false;
}

bool connection_budget::withdraw(member& who) {
  const std::lock_guard lock{mutex_};
  const auto at = std::ranges::find(line_, &who);
  if (at == line_.end()) return false;
  line_.erase(at);
  waiting_.store(line_.size(), std::memory_order_relaxed);
  return true;
}

void connection_budget::give_back() {
  member* next = nullptr;
  {
    const std::lock_guard lock{mutex_};
    if (line_.empty()) {
      --open_;
      return;
    }
    next = line_.front();  // the right goes from hand to hand: nobody can come in between
    line_.pop_front();
    waiting_.store(line_.size(), std::memory_order_relaxed);
  }
  next->granted();
}

bool connection_budget::wanted_elsewhere(std::size_t open) const {
  if (waiting_.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock{mutex_};
  if (line_.empty()) return false;
  const auto share = std::max<std::size_t>(1, most_ / std::max<std::size_t>(1, members_.size()));
  return open > share || most_ < members_.size();
}

std::size_t connection_budget::open() const {
  const std::lock_guard lock{mutex_};
  return open_;
}

}  // namespace gateway::upstream
