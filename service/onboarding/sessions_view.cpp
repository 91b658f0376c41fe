#include "onboarding/sessions.hpp"

#include <algorithm>

// What a caller is shown of its account.
namespace gateway::onboarding {

account_view sessions::view(std::size_t caller) const {
  constexpr std::size_t most_open = 1000;
  const auto& limits = parts_.shared.limits;
  const auto now = parts_.clock.now();
  const auto wall = parts_.clock.wall_now();
  const auto at = [&](time::instant when) {
    return wall + std::chrono::duration_cast<time::wall_instant::duration>(when - now);
  };
  account_view seen;
  std::vector<limiter::window_state> windows;
  limits.windows(parts_.shared.account, caller, limiter::kind::creation, windows);
  for (const auto& one : windows)
    seen.windows.push_back({.name = std::string{one.name},
                            .own = one.guard == errors::guard::caller,
                            .rate = one.rate,
                            .per = one.per,
                            .remaining = one.remaining,
                            .next = at(one.next)});
  const auto state = limits.state(parts_.shared.account);
  seen.waiting = state.waiting;
  if (state.oldest_since) seen.oldest = now - *state.oldest_since;
  if (state.paused_until > now) seen.paused_until = at(state.paused_until);
  seen.slow_down = state.slow_down;
  seen.open_sessions = parts_.shared.owners.open_of(caller, most_open);
  for (auto& open : seen.open_sessions) open.poll_interval = parts_.shared.watches.interval(open.id);
  const auto taken = limits.slots();  // before the rules, which know whoever holds one
  const auto rules = limits.rules();
  if (rules.test_account) {
    auto& shown = seen.test_account.emplace();
    shown.name = rules.test_account->name;
    shown.open_sessions = rules.test_account->open_sessions;
    if (const auto& own = rules.callers[caller].on; parts_.shared.account < own.size())
      shown.own_open_sessions = own[parts_.shared.account].open_sessions;
    for (const auto& slot : taken) {
      auto& one = shown.held.emplace_back();
      for (const auto holder : slot.holders) one.holders.push_back(rules.callers[holder].name);
      one.since = at(slot.since);
      one.until = at(slot.until);
      if (std::ranges::find(slot.holders, caller) == slot.holders.end() || slot.session.empty()) continue;
      one.session = slot.session;
      for (auto& open : seen.open_sessions)
        if (open.id.view() == slot.session) open.slot_until = one.until;
    }
  }
  seen.upstream = parts_.health();
  return seen;
}

void sessions::windows(std::size_t caller, bool of_creations, std::vector<window_state>& into) const {
  parts_.shared.limits.windows(parts_.shared.account, caller,
                               of_creations ? limiter::kind::creation : limiter::kind::request, into);
}

// A caller without a slot may have one to give back.
}  // namespace gateway::onboarding
