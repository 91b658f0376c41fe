#include <algorithm>
#include <limits>

#include "limiter/domain_parts.hpp"

// Requests of the gateway's own, such as the polls for callers who wait: they take what nobody else wants.
namespace gateway::limiter {

// In the order of the accounts. They draw from what callers share, and have no limits of their own.
void domain::parts::build_yielding() {
  for (std::size_t a = 0; a < rules.accounts.size(); ++a) {
    auto& of = yielding.emplace_back();
    of.yields = true;
    of.account = of.shared.account = a;
    of.caller = of.shared.caller = std::numeric_limits<std::size_t>::max();
    of.shared.requests.push_back(numbers.of_account(a, kind::request));
    if (rules.test_account) of.shared.requests.push_back(numbers.of_test_account(kind::request));
    of.draws = of.shared;
  }
}

// Nothing: everybody in the queue could draw what this one draws, and it as well. Else when to look again.
std::optional<time::instant> domain::parts::room_for_one_more(const lane& of, time::instant now) const {
  std::optional<time::instant> later;
  const auto paused_until = ledger->pace_of(of.account).paused_until();
  if (paused_until > now) later = paused_until;
  std::vector<window_state> windows;
  words.windows(of.draws, active, now, windows);
  for (const auto& one : windows)
    if (one.remaining == 0) later = std::max({later.value_or(now), one.next, one.restored});
  return later;
}

void domain::parts::enter_yielding(waiter& who, time::instant now, notices& out) {
  auto& of = yielding[who.asked_.account];
  who.at = stage::outside;
  if (draining) return turn_away(who, now);
  if (room_for_one_more(of, now)) return give_up_yielding(who, now);
  put(who, of, false);
  set(who, who.asked_.in_hand ? stage::ready : stage::preparing);
  serve_yielding(now, out);
  // A shared ledger is asked first. It has taken nothing yet of what it could have in hand.
  if (who.at == stage::ready) set(who, stage::preparing);
}

// There is no room for it now.
void domain::parts::give_up_yielding(waiter& who, time::instant now) {
  auto& of = yielding[who.asked_.account];
  if (who.lane_ != nullptr) take_out(who);
  const auto opens = ledger->expected(of.draws, now);
  who.at = stage::refused;
  who.why = words.of_turn(of, opens.why, waiting_on[of.account], now);
  who.why.admitted_at = std::max(now, room_for_one_more(of, now).value_or(opens.at));
  if (opens.why.what == store::binding::by::store) who.why.admitted_at = now + store_may_be_back;
}

// After everybody else. The first who finds no room keeps its place until it has had enough.
void domain::parts::serve_yielding(time::instant now, notices& out) {
  for (auto& of : yielding) {
    while (of.ready != 0 && ledger->drawable(of.draws, now).at <= now && !room_for_one_more(of, now)) {
      auto& who = of.first_ready();
      take_out(who);
      grant(who, of, now);
      notice(who, out);
    }
  }
}

void domain::parts::drain_yielding(time::instant now, notices& out) {
  for (auto& of : yielding) {
    while (!of.waiters.empty()) {
      auto& who = of.waiters.front();
      take_out(who);
      turn_away(who, now);
      notice(who, out);
    }
  }
}

}  // namespace gateway::limiter
