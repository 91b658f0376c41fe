#include "onboarding/ownership.hpp"

#include <algorithm>
#include <ranges>

namespace gateway::onboarding {

void ownership::made(std::size_t caller, own_session what) {
  const std::lock_guard lock{mutex_};
  const auto [found, fresh] = records_.try_emplace(what.id);
  auto& known = found->second;
  if (fresh) {
    known.created_at = what.created_at;
    order_.push_back(what.id);
    if (order_.size() > most_) {
      records_.erase(order_.front());
      order_.pop_front();
    }
  }
  const auto own = std::ranges::find(known.owners, caller, &owner::caller);
  if (own != known.owners.end()) {
    if (own->idempotency_key.empty()) own->idempotency_key = std::move(what.idempotency_key);
    return;
  }
  known.owners.push_back({caller, std::move(what.idempotency_key), std::move(what.external_metadata)});
  auto& its = by_caller_[caller];
  its.push_back(what.id);
  const auto over = [&](const session_id& id) {
    const auto one = records_.find(id);
    return one == records_.end() || one->second.state != session_state::pending;
  };
  while (its.size() > 1 && over(its.front())) its.pop_front();
}

bool ownership::may_see(const session_id& id, std::size_t caller) const {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(id);
  return found == records_.end() ||
         std::ranges::find(found->second.owners, caller, &owner::caller) != found->second.owners.end();
}

bool ownership::owns(const session_id& id, std::size_t caller) const {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(id);
  return found != records_.end() &&
         std::ranges::find(found->second.owners, caller, &owner::caller) != found->second.owners.end();
}

bool ownership::ended(const session_id& id) const {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(id);
  return found != records_.end() && found->second.state != session_state::pending;
}

bool ownership::completed(const session_id& id) {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(id);
  return found != records_.end() &&
         std::exchange(found->second.state, session_state::completed) != session_state::completed;
}

void ownership::expired(const session_id& id) {
  const std::lock_guard lock{mutex_};
  if (const auto found = records_.find(id); found != records_.end()) found->second.state = session_state::expired;
}

std::vector<own_session> ownership::open_of(std::size_t caller, std::size_t most) const {
  std::vector<own_session> open;
  const std::lock_guard lock{mutex_};
  const auto its = by_caller_.find(caller);
  if (its == by_caller_.end()) return open;
  for (const auto& id : its->second | std::views::reverse) {
    if (open.size() == most) break;
    const auto found = records_.find(id);
    if (found == records_.end() || found->second.state != session_state::pending) continue;
    const auto own = std::ranges::find(found->second.owners, caller, &owner::caller);
    open.push_back({.id = id,
                    .created_at = found->second.created_at,
                    .slot_until = {},
                    .idempotency_key = own->idempotency_key,
                    .external_metadata = own->external_metadata});
  }
  return open;
}

}  // namespace gateway::onboarding
