#include "limiter/gate.hpp"

#include <algorithm>
#include <utility>

namespace gateway::limiter {

using transport::task;

// ---------------------------------------------------------------- shared_domain

shared_domain::shared_domain(domain_rules rules, transport::loop& home)
    : rules_{rules}, of_test_account_{rules.test_account.has_value()}, home_{home}, domain_{std::move(rules)} {}

shared_domain::shared_domain(domain_rules rules, transport::loop& home, std::unique_ptr<store::shared_ledger> of,
                             store::courier& way)
    : rules_{rules},
      of_test_account_{rules.test_account.has_value()},
      home_{home},
      ledger_{of.get()},
      way_{&way},
      domain_{std::move(rules), std::move(of)} {}

shared_domain::~shared_domain() = default;

struct gate::inbox {
  boost::intrusive::list<turn, boost::intrusive::base_hook<inbox_hook>, boost::intrusive::constant_time_size<false>>
      turns;
  bool posted = false;
};

template <typename Decide>
auto shared_domain::decide(transport::loop* here, time::instant now, Decide&& decide) {
  const std::lock_guard lock{mutex_};
  struct after {
    shared_domain& self;
    transport::loop* here;
    ~after() {
      if (!self.heard_.empty()) self.tell(here);
      if (self.ledger_ != nullptr) self.ask_store(here);
      self.arm(here);
    }
  } const finally{*this, here};
  return std::forward<Decide>(decide)(domain_, now, heard_);
}

// Those of this thread's loop run next; the others are put into their gates' inboxes.
void shared_domain::tell(transport::loop* here) {
  for (auto* who : heard_) {
    auto& of = static_cast<turn&>(*who);
    auto& at = of.gate_;
    if (&at.loop_ == here) {
      of.wake_up();
      continue;
    }
    if (!of.inbox_hook::is_linked()) at.inbox_->turns.push_back(of);
    if (std::exchange(at.inbox_->posted, true)) continue;
    at.loop_.post([&at, alive = std::weak_ptr{at.alive_}] {
      if (alive.lock()) at.deliver();
    });
  }
  heard_.clear();
}

void shared_domain::arm(transport::loop* here) {
  auto next = domain_.next_event().value_or(time::instant::max());
  if (ledger_ != nullptr) next = std::min(next, ledger_->next_order(home_.clock().now()));
  if (next >= armed_for_) return;
  armed_for_ = next;
  if (here == &home_) return arm_at_home();
  home_.post([this, alive = std::weak_ptr{alive_}] {
    if (!alive.lock()) return;
    const std::lock_guard lock{mutex_};
    arm_at_home();
  });
}

void shared_domain::arm_at_home() {
  if (armed_for_ != time::instant::max()) alarm_.arm(home_.deadlines(), armed_for_);
}

void shared_domain::advance() {
  decide(&home_, home_.now(), [this](domain& d, time::instant at, notices& out) {
    armed_for_ = time::instant::max();
    d.advance(at, out);
  });
}

// ---------------------------------------------------------------- the shared store

// Whatever was decided may be a reason to ask for something. It is asked from no decision's midst.
void shared_domain::ask_store(transport::loop* here) {
  if (sending_orders_) return;
  const auto now = home_.clock().now();
  if (ledger_->next_order(now) > now) return;
  if (here == &home_) return home_.ready().push(errand_);
  if (std::exchange(errand_posted_, true)) return;
  home_.post([this, alive = std::weak_ptr{alive_}] {
    if (!alive.lock()) return;
    {
      const std::lock_guard lock{mutex_};
      errand_posted_ = false;
    }
    send_orders();
  });
}

void shared_domain::send_orders() {
  std::vector<store::order> orders;
  decide(&home_, home_.clock().now(), [&](domain& d, time::instant at, notices& out) {
    sending_orders_ = true;
    const auto was_away = ledger_->away();
    orders = ledger_->take_orders(at);
    if (ledger_->away() != was_away) d.ledger_changed(at, out);
    note_away(was_away);
  });
  {
    const std::lock_guard lock{mutex_};
    sending_orders_ = false;
    carried_ += orders.size();
  }
  for (auto& one : orders) home_.spawn(carry(std::move(one)));
}

task<> shared_domain::carry(store::order what) {
  const auto asked = home_.clock().now();
  auto carrying = way_->carry(what);
  const auto outcome = co_await std::move(carrying);
  const auto received = home_.clock().now();
  decide(&home_, received, [&](domain& d, time::instant at, notices& out) {
    --carried_;
    const auto was_away = ledger_->away();
    ledger_->answered(what.tag, outcome, asked, received);
    d.ledger_changed(at, out);
    note_away(was_away);
  });
}

void shared_domain::note_away(bool was_away) {
  if (ledger_->away() != was_away && heard_away_) heard_away_(!was_away);
}

void shared_domain::connected(std::string run_id) {
  decide(&home_, home_.clock().now(), [&](domain&, time::instant at, notices&) {
    if (ledger_ != nullptr) ledger_->connected(std::move(run_id), at);
  });
}

bool shared_domain::settled() const {
  const std::lock_guard lock{mutex_};
  if (ledger_ == nullptr) return true;
  return carried_ == 0 && !sending_orders_ && !errand_posted_ && ledger_->next_order(now()) > now();
}

bool shared_domain::away() const {
  const std::lock_guard lock{mutex_};
  return ledger_ != nullptr && ledger_->away();
}

std::optional<time::duration> shared_domain::share_left(std::size_t account) const {
  const std::lock_guard lock{mutex_};
  if (ledger_ == nullptr || !ledger_->away()) return std::nullopt;
  const auto at = now();
  if (domain_.stranded(account, at)) return time::duration::zero();
  std::vector<window_state> counted;
  domain_.windows(account, at, counted);
  if (counted.empty()) return std::nullopt;
  return std::max(ledger_->share_usable_until() - at, time::duration::zero());
}

void shared_domain::bind(std::uint64_t slot, std::string_view session) {
  decide(nullptr, now(), [&](domain& d, time::instant, notices&) { d.bind(slot, session); });
}

bool shared_domain::share(std::string_view session, std::size_t caller) {
  return decide(nullptr, now(), [&](domain& d, time::instant at, notices&) { return d.share(session, caller, at); });
}

bool shared_domain::holds(std::string_view session) const {
  const std::lock_guard lock{mutex_};
  return domain_.holds(session, now());
}

bool shared_domain::give_back_slot(std::string_view session, std::size_t caller) {
  return decide(nullptr, now(),
                [&](domain& d, time::instant at, notices& out) { return d.give_back_slot(session, caller, at, out); });
}

void shared_domain::completed(std::string_view session) {
  decide(nullptr, now(), [&](domain& d, time::instant at, notices& out) { d.completed(session, at, out); });
}

void shared_domain::free_slot(std::uint64_t slot) {
  decide(nullptr, now(), [&](domain& d, time::instant at, notices& out) { d.free_slot(slot, at, out); });
}

void shared_domain::hold(std::size_t account, time::instant until) {
  decide(nullptr, now(), [&](domain& d, time::instant at, notices& out) { d.hold(account, until, at, out); });
}

void shared_domain::resume(std::size_t account) {
  decide(nullptr, now(), [&](domain& d, time::instant at, notices& out) { d.resume(account, at, out); });
}

void shared_domain::drain() {
  decide(nullptr, now(), [this](domain& d, time::instant at, notices& out) {
    d.drain(at, out);
    if (ledger_ != nullptr) ledger_->leave(at);
  });
}

void shared_domain::change(domain_rules to) {
  decide(nullptr, now(), [&](domain& d, time::instant at, notices& out) {
    rules_ = to;
    d.change(std::move(to), at, out);
  });
}

domain_rules shared_domain::rules() const {
  const std::lock_guard lock{mutex_};
  return rules_;
}

void shared_domain::windows(std::size_t account, std::size_t caller, kind what, std::vector<window_state>& into) const {
  const std::lock_guard lock{mutex_};
  domain_.windows(account, caller, what, now(), into);
}

void shared_domain::windows(std::size_t account, std::vector<window_state>& into) const {
  const std::lock_guard lock{mutex_};
  domain_.windows(account, now(), into);
}

account_state shared_domain::state(std::size_t account) const {
  const std::lock_guard lock{mutex_};
  return domain_.state(account, now());
}

std::vector<slot_state> shared_domain::slots() const {
  const std::lock_guard lock{mutex_};
  return domain_.slots(now());
}

std::optional<time::instant> shared_domain::begin_bulk(std::size_t account, std::size_t caller) {
  const std::lock_guard lock{mutex_};
  const auto at = now();
  return bulk_.begin(view_of_bulk(account, caller, at), at);
}

bulk_pace::view shared_domain::view_of_bulk(std::size_t account, std::size_t caller, time::instant now) const {
  bulk_pace::view seen;
  for (std::size_t a = 0; a < rules_.accounts.size(); ++a)
    seen.anybody_waits = seen.anybody_waits || domain_.state(a, now).waiting != 0;
  const auto state = domain_.state(account, now);
  seen.opens = state.paused_until;
  std::vector<window_state> all;
  domain_.windows(account, caller, kind::creation, now, all);
  auto stretch = rules_.accounts[account].stretch;
  if (rules_.test_account) stretch = std::max(stretch, rules_.test_account->stretch);
  for (const auto& one : all) {
    if (one.remaining == 0) seen.opens = std::max(seen.opens, one.next);
    if (one.guard == errors::guard::caller) continue;  // others have no part in it
    const auto evenly = (one.per + std::min(stretch, one.per / 20)) / std::max(one.rate, 1U);
    if (evenly <= seen.interval) continue;
    seen.interval = evenly;
    seen.drawn = domain_.drawn(one.name.starts_with("requests") ? kind::request : kind::creation);
  }
  seen.interval = std::chrono::duration_cast<time::duration>(seen.interval * state.slow_down);
  if (!rules_.test_account) return seen;
  const auto held = domain_.slots(now);
  const auto& on = rules_.callers[caller].on;
  const auto own = account < on.size() ? on[account].open_sessions : std::nullopt;
  auto first = time::instant::max();
  std::uint32_t mine = 0;
  for (const auto& slot : held) {
    first = std::min(first, slot.until);
    if (slot.account == account && std::ranges::find(slot.holders, caller) != slot.holders.end()) ++mine;
  }
  if (held.size() >= rules_.test_account->open_sessions || (own && mine >= *own))
    seen.opens = std::max(seen.opens, first);
  return seen;
}

// ---------------------------------------------------------------- gate

gate::gate(transport::loop& on, shared_domain& of, std::size_t account) noexcept
    : loop_{on}, domain_{of}, account_{account}, inbox_{std::make_unique<inbox>()} {}

gate::~gate() = default;

void gate::pause(time::instant until) {
  domain_.decide(&loop_, loop_.now(),
                 [&](class domain& d, time::instant at, notices& out) { d.pause(account_, until, at, out); });
}

// What other threads decided about this loop's turns.
void gate::deliver() {
  const std::lock_guard lock{domain_.mutex_};
  inbox_->posted = false;
  while (!inbox_->turns.empty()) {
    auto& first = inbox_->turns.front();
    inbox_->turns.pop_front();
    first.wake_up();
  }
}

// ---------------------------------------------------------------- turn

turn::~turn() {
  if (!queued_ && (permit_ == use::settled || at == stage::outside || at == stage::refused)) return;
  gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(), [&](domain& d, time::instant now, notices& out) {
    if (inbox_hook::is_linked()) inbox_hook::unlink();
    if (at == stage::granted) {
      if (permit_ == use::unsent) d.give_back(drawn, now, out);
      if (permit_ == use::sent) d.settle(drawn, errors::effect::unknown, now, out);
    } else if (at != stage::refused && at != stage::outside) {
      d.leave(*this, now, out);
    }
    std::erase(out, static_cast<waiter*>(this));
  });
}

stage turn::enter(ask what) {
  what.account = gate_.account_;
  return gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(), [&](domain& d, time::instant now, notices& out) {
    d.enter(*this, what, now, out);
    queued_ = at != stage::granted && at != stage::refused;
    return at;
  });
}

stage turn::ready() {
  return gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(), [&](domain& d, time::instant now, notices& out) {
    if (at == stage::preparing || at == stage::waiting) d.ready(*this, now, out);
    return at;
  });
}

stage turn::unready() {
  return gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(), [&](domain& d, time::instant now, notices& out) {
    if (at == stage::ready) d.unready(*this, now, out);
    return at;
  });
}

stage turn::overdue() {
  return gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(), [&](domain& d, time::instant now, notices& out) {
    if (at == stage::preparing || at == stage::waiting || at == stage::ready) d.overdue(*this, now, out);
    return at;
  });
}

void turn::extend(time::instant latest, std::size_t caller) {
  gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(), [&](domain& d, time::instant now, notices& out) {
    if (at == stage::preparing || at == stage::waiting || at == stage::ready) d.extend(*this, latest, caller, now, out);
  });
}

void turn::wake_up() noexcept {
  if (parked_ != nullptr) parked_->wake_up();
  if (refusal_ != nullptr && at == stage::refused) refusal_->happen(gate_.loop_.ready());
}

// Another thread may have decided since.
stage turn::look() const {
  const std::lock_guard lock{gate_.domain_.mutex_};
  return at;
}

task<stage> turn::change(stage from, time::instant until) {
  struct place {
    place(turn& whose, transport::ready_list& list) noexcept : of{whose}, here{list} { of.parked_ = &here; }
    ~place() { of.parked_ = nullptr; }
    turn& of;
    transport::parking here;
  } parked{*this, gate_.loop_.ready()};
  // Whatever is decided from here on finds the place; if it was decided before, there is nothing to wait for.
  if (const auto now = look(); now != from) co_return now;
  co_await parked.here.wait(gate_.loop_.deadlines(), until);
  co_return look();
}

void turn::sent() {
  permit_ = use::sent;
  // The clock is read after the last byte has gone: what is remembered is never too early.
  const auto at_socket = gate_.loop_.clock().now();
  gate_.domain_.decide(&gate_.loop_, at_socket,
                       [&](domain& d, time::instant now, notices& out) { d.sent(drawn, at_socket, now, out); });
}

void turn::settle(errors::effect how) {
  if (permit_ != use::sent) return;
  permit_ = use::settled;
  if (!domain::settles(drawn, how)) return;  // without the domain's lock
  gate_.domain_.decide(&gate_.loop_, gate_.loop_.now(),
                       [&](domain& d, time::instant now, notices& out) { d.settle(drawn, how, now, out); });
}

}  // namespace gateway::limiter
