#include "limiter/projection.hpp"

#include <algorithm>

namespace gateway::limiter {

using store::binding;
using store::opening;
using store::use;

projection::projection(store::ledger& of) : ledger_{&of}, added_(of.rules().resources.size()) {}

void projection::begin(time::instant now) {
  now_ = now;
  ++turn_;
  touched_.clear();
  slots_.clear();
}

void projection::begin(const projection& like) {
  begin(like.now_);
  for (const auto resource : like.touched_) {
    touched_.push_back(resource);
    added_[resource].turn = turn_;
    added_[resource].sent = like.added_[resource].sent;
  }
  slots_ = like.slots_;
}

const std::vector<time::instant>& projection::added_to(std::uint32_t resource) const {
  static const std::vector<time::instant> none;
  const auto& one = added_[resource];
  return one.turn == turn_ ? one.sent : none;
}

void projection::add(std::uint32_t resource, time::instant at) {
  auto& one = added_[resource];
  if (one.turn != turn_) {
    one.turn = turn_;
    one.sent.clear();
    touched_.push_back(resource);
  }
  one.sent.push_back(at);
}

void projection::take(const use& of, time::instant at) {
  for (const auto resource : of.requests) add(resource, at);
  for (const auto resource : of.creations) add(resource, at);
  if (of.slot) slots_.push_back({of.account, of.caller, at + ledger_->rules().slot_ttl});
}

// `before`: so many more are drawn first, at the instant at which the projection begins.
void projection::window(std::uint32_t resource, std::size_t before, opening& latest) const {
  const auto& rules = ledger_->rules().resources[resource];
  if (rules.windows.empty()) return;
  const auto& past = ledger_->known(resource);
  const auto& added = added_to(resource);
  const auto newest = [&](std::size_t n) -> std::optional<time::instant> {
    if (n <= added.size()) return added[added.size() - n];
    n -= added.size();
    const auto at_once = before + past.outstanding();
    if (n <= at_once) return now_;
    n -= at_once;
    return n > past.remembered() ? std::nullopt : std::optional{past.newest(n)};
  };
  store::open_windows(rules, resource, rules.paced ? &ledger_->pace_of(*rules.paced) : nullptr, now_, newest, latest);
}

// Slots that are held end before those that the projection takes.
time::instant projection::own_slot(const use& of) const {
  const auto& book = ledger_->slots(now_);
  const auto mine = [&](const held& one) { return one.account == of.account && one.caller == of.caller; };
  const auto taken = static_cast<std::uint32_t>(std::ranges::count_if(slots_, mine));
  if (taken < *of.most_slots) return book.next_below(*of.most_slots - taken, of.caller, of.account, now_);
  auto ends = taken - *of.most_slots + 1;
  for (const auto& one : slots_) {
    if (mine(one) && --ends == 0) return one.until;
  }
  return time::instant::max();
}

bool projection::has_room(const use& of, std::size_t permits) const {
  if (of.slot || of.most_slots || ledger_->pace_of(of.account).paused_until() > now_) return false;
  opening last;
  for (const auto resource : of.requests) window(resource, permits - 1, last);
  for (const auto resource : of.creations) window(resource, permits - 1, last);
  return last.at <= now_;
}

opening projection::opens(const use& of) const {
  opening latest;
  for (const auto resource : of.requests) window(resource, 0, latest);
  for (const auto resource : of.creations) window(resource, 0, latest);
  if (const auto until = ledger_->pace_of(of.account).paused_until(); until > now_ && until > latest.at)
    latest = {until, {binding::by::pause, 0, 0}};
  if (of.slot) {
    const auto& book = ledger_->slots(now_);
    const auto total = book.total();
    auto at = now_;
    if (slots_.size() >= total)
      at = slots_[slots_.size() - total].until;
    else if (const auto left = total - slots_.size(); book.held().size() >= left)
      at = book.held()[book.held().size() - left].until;
    if (at > now_ && at > latest.at) latest = {at, {binding::by::slots, 0, 0}};
  }
  if (of.most_slots) {
    if (const auto at = own_slot(of); at > now_ && at > latest.at) latest = {at, {binding::by::own_slots, 0, 0}};
  }
  return latest;
}

}  // namespace gateway::limiter
