#include "onboarding/ownership.hpp"

namespace gateway::onboarding {

void ownership::made(const session_id& id, std::size_t caller) {
  const std::lock_guard lock{mutex_};
  if (!records_.try_emplace(id, record{caller}).second) return;
  order_.push_back(id);
  if (order_.size() > most_) {
    records_.erase(order_.front());
    order_.pop_front();
  }
}

bool ownership::may_see(const session_id& id, std::size_t caller) const {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(id);
  return found == records_.end() || found->second.caller == caller;
}

bool ownership::completed(const session_id& id) {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(id);
  return found != records_.end() && !std::exchange(found->second.completed, true);
}

}  // namespace gateway::onboarding
