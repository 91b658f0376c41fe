#include "limiter/domain.hpp"

#include <algorithm>
#include <span>

#include "limiter/domain_parts.hpp"
#include "store/memory_ledger.hpp"

namespace gateway::limiter {

domain::domain(domain_rules rules) {
  auto of = ledger_rules_of(rules);
  parts_ = std::make_unique<parts>(std::move(rules), std::make_unique<store::memory_ledger>(std::move(of)));
}

domain::domain(domain_rules rules, std::unique_ptr<store::ledger> of)
    : parts_{std::make_unique<parts>(std::move(rules), std::move(of))} {}

domain::~domain() = default;

void domain::enter(waiter& who, const ask& what, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  auto& of = p.lane_of(what.what, what.account, what.caller);
  who.asked_ = what;
  who.entered_ = now;
  who.latest_ = std::min(what.latest, now + p.rules.accounts[what.account].max_wait);
  if (!what.again || who.number_ == 0) who.number_ = ++p.entered;
  const asking_now by{p, who};
  if (what.yields) {
    p.enter_yielding(who, now, out);
    return p.finish(now, out);
  }
  if (what.in_hand && p.waiting == 0) {
    if (p.ledger->drawable(of.draws, now).at <= now) return p.grant(who, of, now);
  } else if (what.in_hand) {
    p.put(who, of, what.again);
    p.set(who, stage::ready);
    p.serve(now, out);
    if (who.at == stage::granted) return p.finish(now, out);
    p.take_out(who);
  }
  who.at = stage::outside;
  p.door(who, of, now, out);
  p.finish(now, out);
}

void domain::ready(waiter& who, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  const asking_now by{p, who};
  p.set(who, stage::ready);
  p.finish(now, out);
}

void domain::unready(waiter& who, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  const asking_now by{p, who};
  if (who.lane_->yields) {
    p.give_up_yielding(who, now);
    return p.finish(now, out);
  }
  p.set(who, stage::waiting);
  p.changed = true;
  p.finish(now, out);
}

void domain::leave(waiter& who, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (who.lane_ == nullptr) return;
  p.take_out(who);
  who.at = stage::outside;
  p.better = true;
  p.finish(now, out);
}

void domain::overdue(waiter& who, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (who.lane_ == nullptr || who.latest_ > now) return;
  const asking_now by{p, who};
  auto& of = *who.lane_;
  if (of.yields) {
    p.give_up_yielding(who, now);
  } else {
    p.take_out(who);
    const auto opens = p.ledger->drawable(of.draws, now);
    p.refuse(who, of, opens.at > now ? timetable::place{opens.at, opens.why} : timetable::place{now, {}}, now);
    p.better = true;
  }
  p.finish(now, out);
}

void domain::extend(waiter& who, time::instant latest, std::size_t caller, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (who.lane_ == nullptr) return;
  const asking_now by{p, who};
  who.asked_.latest = std::max(who.asked_.latest, latest);
  who.latest_ = std::max(who.latest_, std::min(who.asked_.latest, now + p.rules.accounts[who.asked_.account].max_wait));
  auto& other = p.lane_of(who.asked_.what, who.asked_.account, caller);
  auto& own = *who.lane_;
  if (&other != &own) {
    const auto behind = static_cast<std::size_t>(std::distance(own.waiters.begin(), lane::order::s_iterator_to(who)));
    if (p.turns.tag(other, other.waiters.size()) < p.turns.tag(own, behind)) {
      const auto at = who.at;
      p.take_out(who);
      who.at = stage::waiting;
      who.asked_.caller = caller;
      p.put(who, other, false);
      p.set(who, at);
    }
  }
  p.changed = true;
  p.finish(now, out);
}

void domain::sent(permit& of, time::instant at, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  of.sent_at = at;
  if (auto* const one = p.find(of)) {
    if (one->is == outstanding::state::unsent)
      p.ledger->sent(one->of->draws, one->what, at);
    else
      p.ledger->sent_again(one->of->draws, one->what, at);
    one->is = outstanding::state::over;
    p.forget_finished();
    p.changed = true;
  }
  if (p.waiting != 0) p.finish(now, out);
}

void domain::give_back(permit& of, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (auto* const one = p.find(of)) {
    if (one->is == outstanding::state::unsent) {
      p.ledger->give_back(one->of->draws, one->what, now);
      if (!one->of->yields) p.turns.returned(*one->of);
    } else if (one->what.slot != 0) {
      p.ledger->free_slot(one->what.slot, now);
    }
    one->is = outstanding::state::over;
    p.forget_finished();
    p.changed = p.better = true;
  }
  if (p.waiting != 0) p.finish(now, out);
}

void domain::settle(permit& of, errors::effect how, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (!settles(of, how)) return;
  p.ledger->forget(p.lane_of(of.what, of.account, of.caller).draws, of.drawn, of.sent_at);
  p.changed = p.better = true;
  if (p.waiting != 0) p.finish(now, out);
}

void domain::pause(std::size_t account, time::instant until, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.ledger->pause(account, until, now);
  p.changed = true;
  p.finish(now, out);
}

void domain::hold(std::size_t account, time::instant until, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.ledger->hold(account, until, now);
  p.changed = true;
  p.finish(now, out);
}

void domain::resume(std::size_t account, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.ledger->resume(account, now);
  p.changed = p.better = true;
  p.finish(now, out);
}

void domain::ledger_changed(time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.refuse_the_stranded(now, out);
  p.changed = p.better = true;
  p.finish(now, out);
}

void domain::change(domain_rules to, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.change(std::move(to), now);
  p.finish(now, out);
}

void domain::drain(time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.draining = true;
  while (!p.active.empty()) {
    auto& who = p.active.front().waiters.front();
    p.take_out(who);
    p.turn_away(who, now);
    p.notice(who, out);
  }
  p.drain_yielding(now, out);
  p.tell_wants(now);
}

void domain::bind(std::uint64_t slot, std::string_view session) {
  parts_->ledger->bind(slot, session);
}

bool domain::share(std::string_view session, std::size_t caller, time::instant now) {
  return parts_->ledger->share(session, caller, parts_->at(now));
}

bool domain::holds(std::string_view session, time::instant now) const {
  return parts_->ledger->slots(std::max(parts_->latest_now, now)).of_session(session) != nullptr;
}

bool domain::give_back_slot(std::string_view session, std::size_t caller, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  const auto had = p.ledger->give_back_slot(session, caller, now);
  p.changed = p.better = true;
  p.finish(now, out);
  return had;
}

void domain::completed(std::string_view session, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (!p.ledger->free_slot(session, now)) return;
  p.changed = p.better = true;
  p.finish(now, out);
}

void domain::free_slot(std::uint64_t slot, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  if (!p.ledger->free_slot(slot, now)) return;
  p.changed = p.better = true;
  p.finish(now, out);
}

std::optional<time::instant> domain::next_event() const {
  const auto& p = *parts_;
  auto next = p.waiting == 0 ? time::instant::max() : p.next;
  if (p.ready != 0) {
    // The next one who can go, whatever the timetable says of those who are not ready.
    for (const auto& of : p.active) {
      if (of.ready != 0) next = std::min(next, p.ledger->drawable(of.draws, p.latest_now).at);
    }
  }
  for (const auto& of : p.yielding) {
    if (of.ready == 0) continue;
    // Room comes with a change to the queue, which is looked at then.
    if (const auto at = p.ledger->drawable(of.draws, p.latest_now).at; at > p.latest_now) next = std::min(next, at);
  }
  for (const auto& one : p.drawn) {
    if (one.is != outstanding::state::unsent) continue;
    next = std::min(next, one.burns_at + time::duration{1});
    break;
  }
  return next == time::instant::max() ? std::nullopt : std::optional{next};
}

void domain::advance(time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.burn(now);
  p.finish(now, out);
}

// ---------------------------------------------------------------- what is seen of it

void domain::windows(std::size_t account, std::size_t caller, kind what, time::instant now,
                     std::vector<window_state>& into) const {
  auto& p = *parts_;
  now = p.at(now);
  const auto before = into.size();
  const auto& draws = p.lane_of(what, account, caller).draws;
  p.words.windows(draws, p.active, now, into);
  p.show_stranded(draws, now, std::span{into}.subspan(before));
  const auto paused_until = p.ledger->pace_of(account).paused_until();
  if (paused_until <= now) return;
  for (auto& one : std::span{into}.subspan(before)) {
    one.remaining = 0;
    one.next = std::max(one.next, paused_until);
    one.restored = std::max(one.restored, paused_until);
  }
}

void domain::windows(std::size_t account, time::instant now, std::vector<window_state>& into) const {
  auto& p = *parts_;
  if (p.rules.callers.empty()) return;
  now = p.at(now);
  const auto before = into.size();
  const auto& draws = p.lane_of(kind::creation, account, 0).shared;
  p.words.windows(draws, p.active, now, into);
  p.show_stranded(draws, now, std::span{into}.subspan(before));
}

account_state domain::state(std::size_t account, time::instant now) const {
  const auto& p = *parts_;
  now = std::max(p.latest_now, now);
  const auto& pace = p.ledger->pace_of(account);
  account_state seen{.waiting = p.waiting_on[account],
                     .oldest_since = {},
                     .paused_until = pace.paused_until(),
                     .slow_down = pace.slow_down(now)};
  for (const auto& of : p.active) {
    if (of.account != account) continue;
    for (const auto& who : of.waiters)
      seen.oldest_since = std::min(seen.oldest_since.value_or(who.entered_), who.entered_);
  }
  return seen;
}

bool domain::stranded(std::size_t account, time::instant now) const {
  auto& p = *parts_;
  return !p.rules.callers.empty() && p.ledger->stranded(p.lane_of(kind::creation, account, 0).shared, p.at(now));
}

std::uint64_t domain::drawn(kind what) const noexcept {
  return what == kind::creation ? parts_->creations_drawn : parts_->first_drawn + parts_->drawn.size() - 1;
}

std::vector<slot_state> domain::slots(time::instant now) const {
  std::vector<slot_state> seen;
  for (const auto& one : parts_->ledger->slots(parts_->at(now)).held())
    seen.push_back({one.id, one.account, one.holders, one.session, one.since, one.until});
  return seen;
}

}  // namespace gateway::limiter
