#include "limiter/domain_parts.hpp"

#include <algorithm>
#include <utility>

namespace gateway::limiter {

namespace {

// A longer queue's timetable may be this old, so that a busy queue costs little. It is never too late (`timetable`).
constexpr time::duration old = std::chrono::milliseconds{5};
constexpr std::size_t short_queue = 64;

std::vector<std::uint32_t> weights_of(const domain_rules& rules) {
  std::vector<std::uint32_t> weights;
  for (const auto& caller : rules.callers) weights.push_back(std::max<std::uint32_t>(caller.weight, 1));
  return weights;
}

bool limits_anything(const store::ledger_rules& rules, const store::use& of) {
  const auto any = [&](std::uint32_t resource) { return !rules.resources[resource].windows.empty(); };
  return std::ranges::any_of(of.requests, any) || std::ranges::any_of(of.creations, any) || of.most_slots.has_value();
}

}  // namespace

domain::parts::parts(domain_rules r, std::unique_ptr<store::ledger> l)
    : rules{std::move(r)},
      numbers{rules.accounts.size(), rules.callers.size()},
      ledger{std::move(l)},
      words{rules, *ledger},
      turns{rules.accounts.size(), weights_of(rules)},
      next_turn{rules.accounts.size()},
      plan{*ledger, rules.accounts.size()},
      told(1 + rules.accounts.size(), told_instants{rules.most_told}),
      drawn{64},
      waiting_on(rules.accounts.size()) {
  build_yielding();
  build_new_lanes();
}

// In the order of `lane_of`.
void domain::parts::build_new_lanes() {
  const auto per_caller = rules.accounts.size() * 2;
  for (auto c = all_lanes.size() / per_caller; c < rules.callers.size(); ++c) {
    for (std::size_t a = 0; a < rules.accounts.size(); ++a) {
      for (const auto what : {kind::request, kind::creation}) build(all_lanes.emplace_back(), what, a, c);
    }
  }
}

void domain::parts::change(domain_rules to, time::instant now) {
  rules = std::move(to);
  ledger->change(ledger_rules_of(rules), now);
  numbers = resources{rules.accounts.size(), rules.callers.size()};
  words.rename();
  turns.reweigh(weights_of(rules));
  plan = timetable{*ledger, rules.accounts.size()};
  for (auto& of : all_lanes) rebuild(of, now);
  build_new_lanes();
  changed = better = true;
}

// Permits that are drawn from it will be settled with what it draws from now on: they are counted there, too.
void domain::parts::rebuild(lane& of, time::instant now) {
  const auto had_own = of.has_own;
  of.own.most_slots.reset();
  const auto& on = rules.callers[of.caller].on;
  if (of.shared.slot && of.account < on.size()) of.own.most_slots = on[of.account].open_sessions;
  of.has_own = had_own || limits_anything(ledger->rules(), of.own);
  if (!of.has_own) return;
  of.draws.most_slots = of.own.most_slots;
  if (had_own) return;
  of.draws.requests.insert(of.draws.requests.end(), of.own.requests.begin(), of.own.requests.end());
  of.draws.creations.insert(of.draws.creations.end(), of.own.creations.begin(), of.own.creations.end());
  for (const auto& one : drawn)
    if (one.of == &of && one.is == outstanding::state::unsent) ledger->draw(of.own, now);
}

void domain::parts::build(lane& of, kind what, std::size_t account, std::size_t caller) const {
  of.what = what;
  of.account = account;
  of.caller = caller;
  of.shared.account = of.own.account = account;
  of.shared.caller = of.own.caller = caller;
  of.shared.requests.push_back(numbers.of_account(account, kind::request));
  of.own.requests.push_back(numbers.of_caller(caller, account, kind::request));
  if (rules.test_account) of.shared.requests.push_back(numbers.of_test_account(kind::request));
  if (what == kind::creation) {
    of.shared.creations.push_back(numbers.of_account(account, kind::creation));
    of.own.creations.push_back(numbers.of_caller(caller, account, kind::creation));
    if (rules.test_account) {
      of.shared.creations.push_back(numbers.of_test_account(kind::creation));
      of.shared.slot = true;
      const auto& on = rules.callers[caller].on;
      if (account < on.size()) of.own.most_slots = on[account].open_sessions;
    }
  }
  of.has_own = limits_anything(ledger->rules(), of.own);
  of.draws = of.shared;
  if (!of.has_own) return;
  of.draws.requests.insert(of.draws.requests.end(), of.own.requests.begin(), of.own.requests.end());
  of.draws.creations.insert(of.draws.creations.end(), of.own.creations.begin(), of.own.creations.end());
  of.draws.most_slots = of.own.most_slots;
}

std::uint64_t domain::parts::weights_beside(const lane& of) const noexcept {
  std::uint64_t sum = 0;
  for (const auto& caller : rules.callers) {
    const auto may = [&](std::size_t a) { return a < caller.on.size() && caller.on[a].may_use; };
    auto any = may(of.account);
    for (std::size_t a = 0; of.what == kind::creation && !any && a < rules.accounts.size(); ++a) any = may(a);
    sum += any ? std::max<std::uint32_t>(caller.weight, 1) : 0;
  }
  return std::max<std::uint64_t>(sum, 1);
}

// ---------------------------------------------------------------- the queue

void domain::parts::put(waiter& who, lane& into, bool in_front) {
  if (into.yields) {
    into.waiters.push_back(who);
    who.lane_ = &into;
    return;
  }
  if (!into.active.is_linked()) active.push_back(into);
  if (in_front)
    into.waiters.push_front(who);
  else
    into.waiters.push_back(who);
  who.lane_ = &into;
  if (who.at == stage::waiting) ++unprepared;
  ++waiting;
  ++waiting_on[into.account];
  changed = true;
}

void domain::parts::take_out(waiter& who) {
  auto& of = *who.lane_;
  if (who.at == stage::ready) {
    --of.ready;
    if (!of.yields) --ready;
  }
  if (who.at == stage::waiting && !of.yields) --unprepared;
  of.waiters.erase(lane::order::s_iterator_to(who));
  if (of.yields) {
    who.lane_ = nullptr;
    return;
  }
  if (of.waiters.empty()) active.erase(lanes::s_iterator_to(of));
  who.lane_ = nullptr;
  --waiting;
  --waiting_on[of.account];
  changed = true;
}

void domain::parts::set(waiter& who, stage to) {
  const auto was_ready = who.at == stage::ready;
  auto& of = *who.lane_;
  if (who.at == stage::waiting && !of.yields) --unprepared;
  who.at = to;
  if (who.at == stage::waiting && !of.yields) ++unprepared;
  const auto is_ready = to == stage::ready;
  if (was_ready == is_ready) return;
  of.ready = is_ready ? of.ready + 1 : of.ready - 1;
  if (!of.yields) ready = is_ready ? ready + 1 : ready - 1;
  if (is_ready && !std::exchange(of.listed, true)) wanting.push_back(&of);
}

// It is drawable, and `who` is out of the queue.
void domain::parts::grant(waiter& who, lane& of, time::instant now) {
  const auto got = ledger->draw(of.draws, now);
  if (!of.yields) turns.served(of);
  creations_drawn += of.what == kind::creation ? 1 : 0;
  if (drawn.full()) drawn.set_capacity(2 * drawn.capacity());
  drawn.push_back({outstanding::state::unsent, &of, got, now + rules.allowance});
  who.at = stage::granted;
  who.drawn = {.account = of.account,
               .caller = of.caller,
               .what = of.what,
               .slot = got.slot,
               .drawn = got,
               .drawn_at = now,
               .send_by = std::min(now + rules.allowance, got.send_by),
               .sent_at = {},
               .number = first_drawn + drawn.size() - 1};
  if (!of.yields) came_back(who, of);
  changed = true;
}

// Whatever it was told is over.
void domain::parts::came_back(const waiter& who, const lane& of) {
  if (auto& words_to = told_of(of); words_to.size() != 0) words_to.came(of.caller, who.asked_.fingerprint.value());
}

// Whoever is ready and may go goes.
void domain::parts::serve(time::instant now, notices& out) {
  while (ready != 0) {
    next_turn.begin();
    for (auto& of : active) {
      if (of.ready == 0 || ledger->drawable(of.draws, now).at > now) continue;
      next_turn.offer({&of, now, turns.tag(of), of.first_ready().number_});
    }
    const auto next_one = next_turn.choose(turns);
    if (next_one.of == nullptr) return;
    auto& who = next_one.of->first_ready();
    take_out(who);
    grant(who, *next_one.of, now);
    notice(who, out);
  }
}

void domain::parts::refuse(waiter& who, lane& of, const timetable::place& turn, time::instant now) {
  who.at = stage::refused;
  who.why = words.of_turn(of, turn.why, waiting_on[of.account], now);
  who.why.admitted_at = std::max(turn.at, now);
  if (turn.why.what == store::binding::by::store) {
    who.why.admitted_at = now + store_may_be_back;
    return;
  }
  if (who.why.guard == errors::guard::caller || turn.why.what == store::binding::by::own_slots) return;
  const auto& caller = rules.callers[of.caller];
  who.why.admitted_at = told_of(of).tell({.caller = of.caller,
                                          .fingerprint = who.asked_.fingerprint.value(),
                                          .not_before = who.why.admitted_at,
                                          .weight = std::max<std::uint32_t>(caller.weight, 1),
                                          .all_weights = weights_beside(of)},
                                         now, [&](std::size_t k) { return plan.after_all(of, k); });
}

// Those whom nothing but the store's return could help.
void domain::parts::refuse_the_stranded(time::instant now, notices& out) {
  for (auto& of : all_lanes) {
    if (of.waiters.empty()) continue;
    const auto opens = ledger->expected(of.draws, now);
    if (opens.why.what != store::binding::by::store) continue;
    while (!of.waiters.empty()) {
      auto& who = of.waiters.front();
      take_out(who);
      refuse(who, of, {opens.at, opens.why}, now);
      notice(who, out);
    }
  }
}

// Whatever the windows have left: without the store nothing of it can be had.
void domain::parts::show_stranded(const store::use& of, time::instant now, std::span<window_state> shown) {
  if (!ledger->stranded(of, now)) return;
  for (auto& one : shown) {
    one.remaining = 0;
    one.next = one.restored = now + store_may_be_back;
  }
}

// The queue is full: it may come back when everybody in it has been served.
void domain::parts::overflow(waiter& who, lane& of, time::instant now) {
  who.at = stage::refused;
  who.why.guard = errors::guard::queue;
  who.why.limit.clear();
  who.why.state = words.queue_state(of.account, waiting_on[of.account]);
  who.why.admitted_at = plan.has_room(of, waiting + 1, now) ? now : std::max(now, plan.after_all(of, 0));
}

void domain::parts::turn_away(waiter& who, time::instant now) const {
  who.at = stage::refused;
  who.why = {
      .guard = errors::guard::draining, .limit = {}, .own = false, .state = "the gateway stops", .admitted_at = now};
}

// Who fills the queue beyond its share gives its last place to somebody who has more right to one. False: the newcomer
// itself is furthest over its share.
bool domain::parts::make_room(const lane& by, time::instant now, notices& out) {
  const auto places = [&](std::size_t caller) {
    return lane_of(kind::request, by.account, caller).waiters.size() +
           lane_of(kind::creation, by.account, caller).waiters.size();
  };
  const auto weight = [&](std::size_t caller) { return std::max<std::uint64_t>(rules.callers[caller].weight, 1); };
  std::size_t most = by.caller;
  auto held = places(by.caller) + 1;
  for (const auto& of : active) {
    if (of.account != by.account) continue;
    if (const auto its = places(of.caller); its * weight(most) > held * weight(of.caller)) {
      most = of.caller;
      held = its;
    }
  }
  if (most == by.caller) return false;
  waiter* last = nullptr;
  for (const auto what : {kind::request, kind::creation}) {
    auto& of = lane_of(what, by.account, most);
    if (!of.waiters.empty() && (last == nullptr || of.waiters.back().number_ > last->number_))
      last = &of.waiters.back();
  }
  auto& of = *last->lane_;
  take_out(*last);
  overflow(*last, of, now);
  notice(*last, out);
  return true;
}

timetable::place domain::parts::turn_of_newcomer(lane& of, bool in_front, time::instant latest, time::instant now) {
  if (of.has_own) {
    if (const auto own = ledger->expected(of.own, now); own.at > latest && own.at > now) return {own.at, own.why};
  }
  const auto alone = ledger->expected(of.draws, now);
  if (waiting == 0 || (alone.at > latest && alone.at > now)) return {std::max(alone.at, now), alone.why};
  if (alone.at <= now && plan.has_room(of, waiting + 1, now)) return {now, alone.why};
  return plan.newcomer(active, turns, of, in_front, now);
}

void domain::parts::door(waiter& who, lane& of, time::instant now, notices& out) {
  const auto in_front = who.asked_.again;
  const auto turn = turn_of_newcomer(of, in_front, who.latest_, now);
  // Nothing is fetched any more either.
  if (draining && (turn.at > now || ledger->drawable(of.draws, now).at > now)) return turn_away(who, now);
  const auto late = turn.why.what == store::binding::by::store || (turn.at > now && turn.at > who.latest_);
  if (late || waiting_on[of.account] >= rules.accounts[of.account].queue_length) {
    const auto walked = plan.walked() && !changed && plan.holds(now);
    const auto room = !late && plan.has_room(of, waiting + 1, now) && plan.has_room(active, waiting + 1, now);
    if (!walked && !room) walk_plan(now, out);
    if (late) return refuse(who, of, turn, now);
    if (!make_room(of, now, out)) return overflow(who, of, now);
  }
  put(who, of, in_front);
  came_back(who, of);
  who.expected_ = turn.at;
  set(who, turn.at <= now + rules.lead ? stage::preparing : stage::waiting);
}

// ---------------------------------------------------------------- the timetable

void domain::parts::write_plan(time::instant now, notices& out) {
  // Where some thousands lack nothing but a connection, walking through them each time one comes or goes would be
  // all that is done any more.
  if (!plan.has_room(active, waiting, now)) return walk_plan(now, out);
  plan.write_all_now(now);
  next = time::instant::max();
  for (auto& of : active)
    for (auto& who : of.waiters) {
      if (unprepared == 0) break;
      if (who.at != stage::waiting) continue;
      set(who, stage::preparing);
      notice(who, out);
    }
  changed = better = false;
}

void domain::parts::walk_plan(time::instant now, notices& out) {
  missed.clear();
  plan.write(active, turns, now, missed);
  for (const auto& one : missed) {
    auto& of = *one.who->lane_;
    take_out(*one.who);
    refuse(*one.who, of, one.turn, now);
    notice(*one.who, out);
  }
  prepare(now, out);
  changed = better = false;
}

// Whose turn is near gets its connection.
void domain::parts::prepare(time::instant now, notices& out) {
  next = time::instant::max();
  for (auto& of : active) {
    for (auto& who : of.waiters) {
      if (who.at != stage::waiting) continue;
      if (const auto prepare = who.expected_ - rules.lead; prepare > now) {
        next = std::min(next, prepare);
        continue;
      }
      set(who, stage::preparing);
      notice(who, out);
    }
  }
}

// What the ledger is to fetch for those who only lack a permit.
void domain::parts::tell_wants(time::instant now) {
  std::erase_if(wanting, [&](lane* of) {
    if (of->ready != of->wanted) ledger->want(of->draws, of->wanted = of->ready, now);
    return !(of->listed = of->ready != 0);
  });
}

// After every change: who may go goes, and everybody else learns what it means for them.
void domain::parts::finish(time::instant now, notices& out) {
  serve(now, out);
  serve_yielding(now, out);
  if (waiting == 0)
    next = time::instant::max();
  else
    look_ahead(now, out);
  tell_wants(now);
}

void domain::parts::look_ahead(time::instant now, notices& out) {
  const auto stale = changed || !plan.holds(now);
  const auto later = plan.written_at() + old;
  if (stale && (better || waiting <= short_queue || now >= later))
    write_plan(now, out);
  else if (stale)
    next = next > now ? std::min(next, later) : later;
  else if (now >= next)
    prepare(now, out);
}

// ---------------------------------------------------------------- permits

outstanding* domain::parts::find(const permit& of) noexcept {
  if (of.number < first_drawn || of.number - first_drawn >= drawn.size()) return nullptr;
  auto& found = drawn[of.number - first_drawn];
  return found.is == outstanding::state::over ? nullptr : &found;
}

void domain::parts::forget_finished() noexcept {
  while (!drawn.empty() && drawn.front().is == outstanding::state::over) {
    drawn.pop_front();
    ++first_drawn;
  }
}

// A permit of which nobody has said in time that it was sent counts as sent now.
void domain::parts::burn(time::instant now) {
  for (auto& one : drawn) {
    if (one.burns_at >= now) return;
    if (one.is != outstanding::state::unsent) continue;
    ledger->sent(one.of->draws, one.what, now);
    one.is = outstanding::state::burnt;
    changed = true;
  }
}

}  // namespace gateway::limiter
