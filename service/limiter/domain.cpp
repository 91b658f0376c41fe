#include "limiter/domain.hpp"

#include <boost/circular_buffer.hpp>

#include <algorithm>

#include "limiter/lane.hpp"
#include "limiter/refusals.hpp"
#include "limiter/resources.hpp"
#include "limiter/timetable.hpp"
#include "limiter/told.hpp"
#include "store/memory_ledger.hpp"

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

// A permit that is drawn, until it is sent or given back.
struct outstanding {
  enum class state : std::uint8_t { unsent, burnt, over } is = state::unsent;
  lane* of = nullptr;
  std::uint64_t slot = 0;
  time::instant send_by{};
};

struct domain::parts {
  parts(domain_rules r, std::unique_ptr<store::ledger> l);

  domain_rules rules;
  resources numbers;
  std::unique_ptr<store::ledger> ledger;
  refusals words;
  std::vector<lane> all_lanes;
  lanes active;
  order_of_turns turns;
  choice next_turn;
  timetable plan;
  std::vector<told_instants> told;  // of the creations, then of every account's other requests
  boost::circular_buffer<outstanding> drawn;
  std::uint64_t first_drawn = 1;  // the number of the oldest in `drawn`

  time::instant latest_now{};
  std::uint64_t entered = 0;
  std::size_t waiting = 0;
  std::size_t ready = 0;
  std::vector<std::size_t> waiting_on;  // by account
  bool draining = false;
  bool changed = false;  // since the timetable was written
  bool better = false;   // somebody may come earlier than it says
  time::instant next{time::instant::max()};
  std::vector<timetable::miss> missed;
  const waiter* asking = nullptr;  // hears by returning

  time::instant at(time::instant now) noexcept { return latest_now = std::max(latest_now, now); }
  lane& lane_of(kind what, std::size_t account, std::size_t caller) noexcept {
    return all_lanes[(caller * rules.accounts.size() + account) * 2 + (what == kind::creation ? 1 : 0)];
  }
  told_instants& told_of(const lane& of) noexcept { return told[of.what == kind::creation ? 0 : 1 + of.account]; }
  std::uint64_t weights_beside(const lane& of) const noexcept;
  void build(lane& of, kind what, std::size_t account, std::size_t caller) const;

  void put(waiter& who, lane& into, bool in_front);
  void take_out(waiter& who);
  void set(waiter& who, stage to);
  void notice(waiter& who, notices& out) const {
    if (&who != asking) out.push_back(&who);
  }

  void grant(waiter& who, lane& of, time::instant now);
  void serve(time::instant now, notices& out);
  void refuse(waiter& who, lane& of, const timetable::place& turn, time::instant now);
  void overflow(waiter& who, lane& of, time::instant now);
  void turn_away(waiter& who, time::instant now) const;
  bool make_room(const lane& by, time::instant now, notices& out);
  timetable::place turn_of_newcomer(lane& of, bool in_front, time::instant latest, time::instant now);
  void door(waiter& who, lane& of, time::instant now, notices& out);

  void write_plan(time::instant now, notices& out);
  void prepare(time::instant now, notices& out);
  void finish(time::instant now, notices& out);
  outstanding* find(const permit& of) noexcept;
  void burn(time::instant now);
  void forget_finished() noexcept;
};

// Who asks hears by returning.
struct domain::asking_now {
  asking_now(parts& in, const waiter& who) noexcept : of{in} { of.asking = &who; }
  ~asking_now() { of.asking = nullptr; }
  asking_now(const asking_now&) = delete;
  asking_now& operator=(const asking_now&) = delete;
  parts& of;
};

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
  all_lanes = std::vector<lane>(rules.callers.size() * rules.accounts.size() * 2);
  for (std::size_t c = 0; c < rules.callers.size(); ++c) {
    for (std::size_t a = 0; a < rules.accounts.size(); ++a) {
      for (const auto what : {kind::request, kind::creation}) build(lane_of(what, a, c), what, a, c);
    }
  }
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
  if (!into.active.is_linked()) active.push_back(into);
  if (in_front)
    into.waiters.push_front(who);
  else
    into.waiters.push_back(who);
  who.lane_ = &into;
  ++waiting;
  ++waiting_on[into.account];
  changed = true;
}

void domain::parts::take_out(waiter& who) {
  auto& of = *who.lane_;
  if (who.at == stage::ready) {
    --of.ready;
    --ready;
  }
  of.waiters.erase(lane::order::s_iterator_to(who));
  if (of.waiters.empty()) active.erase(lanes::s_iterator_to(of));
  who.lane_ = nullptr;
  --waiting;
  --waiting_on[of.account];
  changed = true;
}

void domain::parts::set(waiter& who, stage to) {
  const auto was_ready = who.at == stage::ready;
  who.at = to;
  const auto is_ready = to == stage::ready;
  if (was_ready == is_ready) return;
  auto& count = who.lane_->ready;
  count = is_ready ? count + 1 : count - 1;
  ready = is_ready ? ready + 1 : ready - 1;
}

// It is drawable, and `who` is out of the queue.
void domain::parts::grant(waiter& who, lane& of, time::instant now) {
  const auto slot = ledger->draw(of.draws, now);
  turns.served(of);
  if (drawn.full()) drawn.set_capacity(2 * drawn.capacity());
  drawn.push_back({outstanding::state::unsent, &of, slot, now + rules.allowance});
  who.at = stage::granted;
  who.drawn = {.account = of.account,
               .caller = of.caller,
               .what = of.what,
               .slot = slot,
               .drawn_at = now,
               .send_by = now + rules.allowance,
               .sent_at = {},
               .number = first_drawn + drawn.size() - 1};
  told_of(of).came(of.caller, who.asked_.fingerprint);
  changed = true;
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
  if (who.why.guard == errors::guard::caller || turn.why.what == store::binding::by::own_slots) return;
  const auto& caller = rules.callers[of.caller];
  who.why.admitted_at = told_of(of).tell({.caller = of.caller,
                                          .fingerprint = who.asked_.fingerprint,
                                          .not_before = who.why.admitted_at,
                                          .weight = std::max<std::uint32_t>(caller.weight, 1),
                                          .all_weights = weights_beside(of)},
                                         now, [&](std::size_t k) { return plan.after_all(of, k); });
}

// The queue is full: it may come back when everybody in it has been served.
void domain::parts::overflow(waiter& who, lane& of, time::instant now) {
  who.at = stage::refused;
  who.why.guard = errors::guard::queue;
  who.why.limit.clear();
  who.why.state = words.queue_state(of.account, waiting_on[of.account]);
  who.why.admitted_at = std::max(now, plan.after_all(of, 0));
}

void domain::parts::turn_away(waiter& who, time::instant now) const {
  who.at = stage::refused;
  who.why = {.guard = errors::guard::draining, .limit = {}, .state = "the gateway stops", .admitted_at = now};
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
    if (const auto own = ledger->drawable(of.own, now); own.at > latest && own.at > now) return {own.at, own.why};
  }
  const auto alone = ledger->drawable(of.draws, now);
  if (waiting == 0 || (alone.at > latest && alone.at > now)) return {std::max(alone.at, now), alone.why};
  return plan.newcomer(active, turns, of, in_front, now);
}

void domain::parts::door(waiter& who, lane& of, time::instant now, notices& out) {
  const auto in_front = who.asked_.again;
  const auto turn = turn_of_newcomer(of, in_front, who.latest_, now);
  if (draining && turn.at > now) return turn_away(who, now);
  const auto late = turn.at > now && turn.at > who.latest_;
  if (late || waiting_on[of.account] >= rules.accounts[of.account].queue_length) {
    if (changed || !plan.holds(now)) write_plan(now, out);
    if (late) return refuse(who, of, turn, now);
    if (!make_room(of, now, out)) return overflow(who, of, now);
  }
  put(who, of, in_front);
  told_of(of).came(of.caller, who.asked_.fingerprint);
  who.expected_ = turn.at;
  set(who, turn.at <= now + rules.lead ? stage::preparing : stage::waiting);
}

// ---------------------------------------------------------------- the timetable

void domain::parts::write_plan(time::instant now, notices& out) {
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

// After every change: who may go goes, and everybody else learns what it means for them.
void domain::parts::finish(time::instant now, notices& out) {
  serve(now, out);
  if (waiting == 0) {
    next = time::instant::max();
    return;
  }
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
    if (one.send_by >= now) return;
    if (one.is != outstanding::state::unsent) continue;
    ledger->sent(one.of->draws, now);
    one.is = outstanding::state::burnt;
    changed = true;
  }
}

// ---------------------------------------------------------------- the domain

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
      p.ledger->sent(one->of->draws, at);
    else
      p.ledger->sent_again(one->of->draws, at);
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
      p.ledger->give_back(one->of->draws, one->slot);
      p.turns.returned(*one->of);
    } else if (one->slot != 0) {
      p.ledger->free_slot(one->slot, now);
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
  if (how != errors::effect::none || of.what != kind::creation) return;
  p.ledger->forget(p.lane_of(of.what, of.account, of.caller).draws, of.sent_at, of.slot);
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

void domain::resume(std::size_t account, time::instant now, notices& out) {
  auto& p = *parts_;
  now = p.at(now);
  p.ledger->resume(account, now);
  p.changed = p.better = true;
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
  for (const auto& one : p.drawn) {
    if (one.is != outstanding::state::unsent) continue;
    next = std::min(next, one.send_by + time::duration{1});
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
  const auto& of = p.lane_of(what, account, caller);
  p.words.windows(of.draws, p.active, p.at(now), into);
}

void domain::windows(std::size_t account, time::instant now, std::vector<window_state>& into) const {
  auto& p = *parts_;
  if (p.rules.callers.empty()) return;
  p.words.windows(p.lane_of(kind::creation, account, 0).shared, p.active, p.at(now), into);
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

std::vector<slot_state> domain::slots(time::instant now) const {
  std::vector<slot_state> seen;
  for (const auto& one : parts_->ledger->slots(parts_->at(now)).held())
    seen.push_back({one.id, one.account, one.holders, one.session, one.since, one.until});
  return seen;
}

}  // namespace gateway::limiter
