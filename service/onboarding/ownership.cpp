#include "onboarding/ownership.hpp"

#include <algorithm>
#include <ranges>

namespace gateway::onboarding {
namespace {

std::uint32_t hash_of(const session_id& id) noexcept {
  return static_cast<std::uint32_t>(std::hash<std::string_view>{}(id.view()));
}

}  // namespace

// Room for it may be that of the oldest.
ownership::record& ownership::remember(const session_id& id, std::uint32_t hash) {
  by_id_.append(hash);
  auto& fresh = records_.emplace_back(record{.id = id});
  if (records_.size() > most_) forget_oldest();
  return fresh;
}

void ownership::forget_oldest() {
  by_id_.forget_first();
  records_.pop_front();
  // The next ones' turns come, too: by then they are near.
  constexpr std::size_t soon = 4;
  if (records_.size() > soon) __builtin_prefetch(&records_[soon]);
}

void ownership::expect(const session_id& id) const {
  const auto hash = hash_of(id);
  const std::lock_guard lock{mutex_};
  by_id_.fetch(hash);
}

std::optional<std::size_t> ownership::place_of(const session_id& id, std::uint32_t hash) const {
  return by_id_.find(hash, [&](std::size_t place) { return records_[place].id == id; });
}

ownership::record* ownership::find(const session_id& id) {
  const auto place = place_of(id, hash_of(id));
  return place ? &records_[*place] : nullptr;
}

const ownership::record* ownership::find(const session_id& id) const {
  const auto place = place_of(id, hash_of(id));
  return place ? &records_[*place] : nullptr;
}

bool ownership::is_of(const record& known, std::size_t caller) {
  return std::ranges::find(known.owners, caller, &owner::caller) != known.owners.end();
}

void ownership::made(std::size_t caller, own_session what) {
  const std::lock_guard lock{mutex_};
  const auto hash = hash_of(what.id);
  const auto there = place_of(what.id, hash);
  auto& known = there ? records_[*there] : remember(what.id, hash);
  if (!there) known.created_at = what.created_at;
  const auto own = std::ranges::find(known.owners, caller, &owner::caller);
  if (own != known.owners.end()) {
    if (what.idempotency_key.empty()) return;
    if (!own->said) own->said = std::make_unique<remarks>();
    if (own->said->idempotency_key.empty()) own->said->idempotency_key = std::move(what.idempotency_key);
    return;
  }
  owner fresh{.caller = caller, .said = {}};
  if (!what.idempotency_key.empty() || !what.external_metadata.empty())
    fresh.said = std::make_unique<remarks>(std::move(what.idempotency_key), std::move(what.external_metadata));
  known.owners.push_back(std::move(fresh));
  auto& its = by_caller_[caller];
  its.push_back({by_id_.forgotten() + 1 + there.value_or(records_.size() - 1), &known});
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
