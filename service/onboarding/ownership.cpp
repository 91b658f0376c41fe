#include "onboarding/ownership.hpp"

#include <algorithm>
#include <ranges>

namespace gateway::onboarding {

// Room for it may be that of the oldest.
ownership::record& ownership::remember(session_id id) {
  auto& fresh = records_.emplace_back(id);
  fresh.number = ++last_remembered_;
  if (by_id_.size() == buckets_.size()) {
    std::vector<index::bucket_type> more(2 * buckets_.size());
    by_id_.rehash({more.data(), more.size()});
    buckets_.swap(more);
  }
  by_id_.insert(fresh);
  if (records_.size() > most_) {
    by_id_.erase(by_id_.iterator_to(records_.front()));
    last_forgotten_ = records_.front().number;
    records_.pop_front();
  }
  return fresh;
}

ownership::record* ownership::find(const session_id& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found;
}

const ownership::record* ownership::find(const session_id& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found;
}

bool ownership::is_of(const record& known, std::size_t caller) {
  return std::ranges::find(known.owners, caller, &owner::caller) != known.owners.end();
}

void ownership::made(std::size_t caller, own_session what) {
  const std::lock_guard lock{mutex_};
  auto* known = find(what.id);
  if (known == nullptr) {
    known = &remember(what.id);
    known->created_at = what.created_at;
  }
  const auto own = std::ranges::find(known->owners, caller, &owner::caller);
  if (own != known->owners.end()) {
    if (what.idempotency_key.empty()) return;
    if (!own->said) own->said = std::make_unique<remarks>();
    if (own->said->idempotency_key.empty()) own->said->idempotency_key = std::move(what.idempotency_key);
    return;
  }
  owner fresh{.caller = caller, .said = {}};
  if (!what.idempotency_key.empty() || !what.external_metadata.empty())
    fresh.said = std::make_unique<remarks>(std::move(what.idempotency_key), std::move(what.external_metadata));
  known->owners.push_back(std::move(fresh));
  auto& its = by_caller_[caller];
  its.push_back({known->number, known});
  const auto over = [this](const entry& one) { return forgotten(one) || one.at->state != session_state::pending; };
  while (its.size() > 1 && over(its.front())) its.pop_front();
}

bool ownership::may_see(const session_id& id, std::size_t caller) const {
  const std::lock_guard lock{mutex_};
  const auto* const known = find(id);
  return known == nullptr || is_of(*known, caller);
}

bool ownership::owns(const session_id& id, std::size_t caller) const {
  const std::lock_guard lock{mutex_};
  const auto* const known = find(id);
  return known != nullptr && is_of(*known, caller);
}

bool ownership::ended(const session_id& id) const {
  const std::lock_guard lock{mutex_};
  const auto* const known = find(id);
  return known != nullptr && known->state != session_state::pending;
}

bool ownership::completed(const session_id& id) {
  const std::lock_guard lock{mutex_};
  auto* const known = find(id);
  return known != nullptr && std::exchange(known->state, session_state::completed) != session_state::completed;
}

void ownership::expired(const session_id& id) {
  const std::lock_guard lock{mutex_};
  if (auto* const known = find(id)) known->state = session_state::expired;
}

std::vector<own_session> ownership::open_of(std::size_t caller, std::size_t most) const {
  std::vector<own_session> open;
  const std::lock_guard lock{mutex_};
  const auto its = by_caller_.find(caller);
  if (its == by_caller_.end()) return open;
  for (const auto& one : its->second | std::views::reverse) {
    if (open.size() == most) break;
    if (forgotten(one)) continue;  // not the rest: a session may be older than its becoming this caller's too
    const auto& known = *one.at;
    if (known.state != session_state::pending) continue;
    const auto own = std::ranges::find(known.owners, caller, &owner::caller);
    auto& shown = open.emplace_back(own_session{.id = known.id, .created_at = known.created_at});
    if (own->said == nullptr) continue;
    shown.idempotency_key = own->said->idempotency_key;
    shown.external_metadata = own->said->external_metadata;
  }
  return open;
}

}  // namespace gateway::onboarding
