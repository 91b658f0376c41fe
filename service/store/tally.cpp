#include "store/tally.hpp"

#include <algorithm>

namespace gateway::store {

time::duration stretch_of(const window& of, const resource& in) noexcept {
  const auto stretch = std::min(in.stretch, of.per / 20);
  return in.slewed ? stretch + of.per / 1000 : stretch;
}

std::uint32_t largest_rate(const resource& of) noexcept {
  std::uint32_t largest = 0;
  for (const auto& window : of.windows) largest = std::max(largest, window.rate);
  return largest;
}

tally::tally(ledger_rules of)
    : rules{std::move(of)},
      paces(rules.longest_pause.begin(), rules.longest_pause.end()),
      slots{rules.slots, rules.slot_ttl} {
  histories.reserve(rules.resources.size());
  for (const auto& one : rules.resources) histories.emplace_back(largest_rate(one));
}

void tally::change(ledger_rules to, time::instant now) {
  const auto known = histories.size();
  for (std::size_t i = 0; i < to.resources.size(); ++i) {
    const auto rate = largest_rate(to.resources[i]);
    if (i >= known)
      histories.emplace_back(rate);
    else
      histories[i].remember(rate);
  }
  for (std::size_t a = 0; a < paces.size(); ++a) paces[a].cap(to.longest_pause[a], now);
  slots.resize(to.slots, to.slot_ttl);
  rules = std::move(to);
}

opening tally::opens(const use& of, time::instant now) {
  opening latest;
  const auto ask = [&](std::uint32_t number) {
    const auto& one = rules.resources[number];
    const auto& past = histories[number];
    const auto out = past.outstanding();
    // An outstanding permit counts as if it were sent now.
    const auto newest = [&](std::size_t n) -> std::optional<time::instant> {
      if (n <= out) return now;
      return n - out > past.remembered() ? std::nullopt : std::optional{past.newest(n - out)};
    };
    open_windows(one, number, one.paced ? &paces[*one.paced] : nullptr, now, newest, latest);
  };
  for (const auto resource : of.requests) ask(resource);
  for (const auto resource : of.creations) ask(resource);
  if (const auto until = paces[of.account].paused_until(); until > now && until > latest.at)
    latest = {until, {binding::by::pause, 0, 0}};
  if (of.slot || of.most_slots) slots.expire(now);
  if (of.slot) {
    if (const auto free = slots.next_free(now); free > now && free > latest.at)
      latest = {free, {binding::by::slots, 0, 0}};
  }
  if (of.most_slots) {
    const auto at = slots.next_below(*of.most_slots, of.caller, of.account, now);
    if (at > now && at > latest.at) latest = {at, {binding::by::own_slots, 0, 0}};
  }
  return latest;
}

}  // namespace gateway::store
