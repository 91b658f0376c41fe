// Random callers, weights, windows, clocks that jump, pauses, cancellations and failures, in virtual time. What is
// promised is checked from outside: against a plain list of what was sent and when.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "domain_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using errors::effect;

class dice {
 public:
  explicit dice(std::uint64_t seed) : engine_{seed} {}
  // [from, to]
  std::int64_t between(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>{from, to}(engine_);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(between(0, static_cast<std::int64_t>(n) - 1)); }
  bool chance(int percent) { return between(1, 100) <= percent; }
  time::duration ms(std::int64_t from, std::int64_t to) { return std::chrono::milliseconds{between(from, to)}; }

 private:
  std::mt19937_64 engine_;
};

constexpr time::duration lengths[] = {200ms, 1s, 3s, 10s, 60s, 10min};

std::vector<window> random_windows(dice& d, std::size_t most) {
  std::vector<window> all;
  const auto count = d.below(most + 1);
  for (std::size_t i = 0; i < count; ++i)
    all.push_back({static_cast<std::uint32_t>(d.between(1, 8)), lengths[d.below(std::size(lengths))]});
  return all;
}

domain_rules random_rules(dice& d) {
  domain_rules rules;
  const auto accounts = 1 + d.below(3);
  for (std::size_t a = 0; a < accounts; ++a) {
    account_rules one;
    one.name = "a" + std::to_string(a);
    one.windows = {random_windows(d, 2), random_windows(d, 2)};
    one.stretch = d.chance(50) ? 0ms : d.ms(1, 200);
    one.queue_length = 1 + d.below(30);
    one.max_wait = 1000h;  // here whoever asks says how long it waits
    rules.accounts.push_back(std::move(one));
  }
  if (accounts > 1 || d.chance(50)) {
    rules.test_account = test_account_rules{.name = "demo",
                                            .windows = {random_windows(d, 1), random_windows(d, 2)},
                                            .open_sessions = static_cast<std::uint32_t>(d.between(1, 4)),
                                            .slot_ttl = d.ms(1'000, 120'000)};
  }
  const auto callers = 1 + d.below(6);
  for (std::size_t c = 0; c < callers; ++c) {
    caller_rules one{.name = "c" + std::to_string(c), .weight = static_cast<std::uint32_t>(d.between(1, 4))};
    for (std::size_t a = 0; a < accounts; ++a) {
      own_rules own;
      if (d.chance(20)) own.windows = {random_windows(d, 1), random_windows(d, 1)};
      if (d.chance(20)) own.open_sessions = static_cast<std::uint32_t>(d.between(1, 2));
      one.on.push_back(own);
    }
    rules.callers.push_back(std::move(one));
  }
  return rules;
}

// What happened, as somebody at Podero's door would have written it down.
struct sending {
  std::size_t account = 0;
  std::size_t caller = 0;
  bool creation = false;
  bool without_effect = false;
  time::instant at{};
};

// The longest that any interval of the window's length held.
void check_window(const std::vector<time::instant>& sent, const window& one) {
  for (std::size_t i = one.rate; i < sent.size(); ++i) {
    if (sent[i] - sent[i - one.rate] >= one.per) continue;
    FAIL_CHECK("a window of " << one.rate << " held more: " << (sent[i] - sent[i - one.rate]).count() << " ns for "
                              << one.rate + 1 << ", its length is " << one.per.count());
    return;
  }
}

class episode {
 public:
  episode(std::uint64_t seed, int steps)
      : d_{seed}, rules_{random_rules(d_)}, limited_{std::make_unique<domain>(rules_)} {
    advance();  // from here on no loop's clock can be taken for now
    for (int i = 0; i < steps; ++i) {
      step();
      check_slots();
    }
    wind_up();
    check_sent();
  }

  std::size_t refusals_tried = 0;

 private:
  struct request {
    waiter place;
    ask asked;
    enum class is : std::uint8_t { queued, granted, sent, over } now = is::queued;
    time::instant sends_at{};
    std::size_t sending = 0;
  };
  // What was done to the domain, so that it can be done again to another.
  struct replica {
    explicit replica(const domain_rules& rules) : limited{rules} {}
    std::deque<waiter> places;
    notices out;
    domain limited;
  };
  using deed = std::function<void(replica&)>;

  void step() {
    switch (d_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        enter();
        break;
      case 4:
        leave();
        break;
      case 5:
        change_mind();
        break;
      case 6:
        settle();
        break;
      case 7:
        slots();
        break;
      case 8:
        if (d_.chance(10)) pauses();
        break;
      default:
        pass_time(d_.chance(2) ? d_.ms(60'000, 3'600'000) : d_.ms(0, d_.chance(50) ? 30 : 1'500));
        break;
    }
  }

  void enter() {
    auto& one = all_.emplace_back();
    const auto number = all_.size() - 1;
    one.asked = {.account = d_.below(rules_.accounts.size()),
                 .caller = d_.below(rules_.callers.size()),
                 .what = d_.chance(60) ? kind::creation : kind::request,
                 .latest = now_ + (d_.chance(30) ? 0ms : d_.ms(0, 20'000)),
                 .fingerprint = static_cast<std::uint64_t>(d_.between(0, 3)),
                 .in_hand = d_.chance(50)};
    const auto may_try = deeds_.size() < 3'000 && d_.chance(4);
    const auto at = loops_clock();
    limited_->enter(one.place, one.asked, at, out_);
    if (one.place.at == stage::refused) {
      one.now = request::is::over;
      CHECK(one.place.why.admitted_at >= now_);
      if (may_try && one.place.why.guard != errors::guard::queue) would_not_have_been_served(one.asked);
    }
    done([asked = one.asked, at](replica& r) { r.limited.enter(r.places.emplace_back(), asked, at, r.out); });
    note(number);
  }

  void leave() {
    const auto number = pick(request::is::queued);
    if (!number) return;
    all_[*number].now = request::is::over;
    const auto at = loops_clock();
    limited_->leave(all_[*number].place, at, out_);
    done([n = *number, at](replica& r) { r.limited.leave(r.places[n], at, r.out); });
  }

  // Every loop reads its clock once a turn, so that what they say is older than the newest by different amounts.
  time::instant loops_clock() { return d_.chance(30) ? now_ - d_.ms(0, 50) : now_; }

  // Ready, no longer ready, more time, a better caller.
  void change_mind() {
    const auto number = pick(request::is::queued);
    if (!number) return;
    auto& place = all_[*number].place;
    const auto n = *number;
    const auto at = loops_clock();
    if (d_.chance(20)) {
      const auto latest = now_ + d_.ms(0, 60'000);
      const auto caller = d_.below(rules_.callers.size());
      limited_->extend(place, latest, caller, at, out_);
      done([=](replica& r) { r.limited.extend(r.places[n], latest, caller, at, r.out); });
      note(n);
    } else if (place.at == stage::ready) {
      limited_->unready(place, at, out_);
      done([=](replica& r) { r.limited.unready(r.places[n], at, r.out); });
      note(n);
    } else {
      get_ready(n);
    }
  }

  void get_ready(std::size_t n) {
    const auto at = loops_clock();
    limited_->ready(all_[n].place, at, out_);
    done([n, at](replica& r) { r.limited.ready(r.places[n], at, r.out); });
    note(n);
  }

  void settle() {
    const auto number = pick(request::is::sent);
    if (!number) return;
    settle(*number, d_.chance(30) ? effect::none : d_.chance(30) ? effect::unknown : effect::created);
  }

  void settle(std::size_t n, effect how) {
    auto& one = all_[n];
    one.now = request::is::over;
    const auto at = loops_clock();
    limited_->settle(one.place.drawn, how, at, out_);
    done([n, how, at](replica& r) { r.limited.settle(r.places[n].drawn, how, at, r.out); });
    const auto slot = one.place.drawn.slot;
    if (how == effect::none && one.place.drawn.what == kind::creation) {
      sent_[one.sending].without_effect = true;
      held_.erase(slot);
    } else if (how == effect::created && slot != 0 && held_.contains(slot)) {
      const auto session = "s" + std::to_string(slot);
      limited_->bind(slot, session);
      done([slot, session](replica& r) { r.limited.bind(slot, session); });
      held_.at(slot).bound = true;
    }
  }

  void slots() {
    if (held_.empty()) return;
    auto found = held_.begin();
    std::advance(found, static_cast<std::ptrdiff_t>(d_.below(held_.size())));
    const auto session = "s" + std::to_string(found->first);
    auto& slot = found->second;
    if (!slot.bound || slot.until <= now_) return;
    const auto caller = d_.below(rules_.callers.size());
    const auto at = now_;
    switch (d_.below(3)) {
      case 0:
        CHECK(limited_->share(session, caller, now_));
        done([=](replica& r) { r.limited.share(session, caller, at); });
        slot.holders.insert(caller);
        break;
      case 1:
        CHECK(limited_->give_back_slot(session, caller, now_, out_) == slot.holders.contains(caller));
        done([=](replica& r) { r.limited.give_back_slot(session, caller, at, r.out); });
        slot.holders.erase(caller);
        if (slot.holders.empty()) held_.erase(found);
        break;
      default:
        limited_->completed(session, now_, out_);
        done([=](replica& r) { r.limited.completed(session, at, r.out); });
        held_.erase(found);
        break;
    }
  }

  void pauses() {
    const auto account = d_.below(rules_.accounts.size());
    const auto at = now_;
    if (d_.chance(20)) {
      limited_->resume(account, now_, out_);
      done([=](replica& r) { r.limited.resume(account, at, r.out); });
      return;
    }
    const auto until = now_ + d_.ms(100, 30'000);
    limited_->pause(account, until, now_, out_);
    done([=](replica& r) { r.limited.pause(account, until, at, r.out); });
  }

  // To then, through all that is due before: the domain's events, and what is to be sent.
  void pass_time(time::duration by) {
    const auto until = now_ + by;
    for (;;) {
      auto next = limited_->next_event().value_or(time::instant::max());
      const request* sender = nullptr;
      for (const auto& one : all_) {
        if (one.now == request::is::granted && one.sends_at <= next) {
          next = one.sends_at;
          sender = &one;
        }
      }
      if (next > until) break;
      now_ = std::max(now_, next);
      if (sender != nullptr)
        send(
            static_cast<std::size_t>(std::ranges::find_if(all_, [&](auto& o) { return &o == sender; }) - all_.begin()));
      else
        advance();
    }
    now_ = until;
    advance();
  }

  void advance() {
    limited_->advance(now_, out_);
    done([at = now_](replica& r) { r.limited.advance(at, r.out); });
  }

  void send(std::size_t n) {
    auto& one = all_[n];
    if (d_.chance(10) || now_ > one.place.drawn.send_by) {
      one.now = request::is::over;
      limited_->give_back(one.place.drawn, now_, out_);
      done([n, at = now_](replica& r) { r.limited.give_back(r.places[n].drawn, at, r.out); });
      held_.erase(one.place.drawn.slot);
      return;
    }
    one.now = request::is::sent;
    one.sending = sent_.size();
    sent_.push_back({one.asked.account, one.place.drawn.caller, one.place.drawn.what == kind::creation, false, now_});
    limited_->sent(one.place.drawn, now_, now_, out_);
    done([n, at = now_](replica& r) { r.limited.sent(r.places[n].drawn, at, at, r.out); });
  }

  // After every deed: hears what it meant.
  void done(deed what) {
    deeds_.push_back(std::move(what));
    for (const auto* heard : std::exchange(out_, {})) {
      const auto found = std::ranges::find_if(all_, [&](const request& one) { return &one.place == heard; });
      REQUIRE(found != all_.end());
      REQUIRE(found->now == request::is::queued);  // nobody who left, or had its permit already
      note(static_cast<std::size_t>(found - all_.begin()));
    }
  }

  void note(std::size_t n) {
    auto& one = all_[n];
    if (one.now != request::is::queued) return;
    if (one.place.at == stage::refused) one.now = request::is::over;
    if (one.place.at == stage::preparing && d_.chance(60)) return get_ready(n);
    if (one.place.at != stage::granted) return;
    one.now = request::is::granted;
    const auto& drawn = one.place.drawn;
    CHECK(drawn.drawn_at == now_);
    one.sends_at = now_ + (d_.chance(70) ? 0ms : d_.ms(0, 2'500));
    if (drawn.slot != 0) held_[drawn.slot] = {now_ + rules_.test_account->slot_ttl, {drawn.caller}, false};
  }

  std::optional<std::size_t> pick(request::is which) {
    std::vector<std::size_t> those;
    for (std::size_t i = 0; i < all_.size(); ++i)
      if (all_[i].now == which) those.push_back(i);
    if (those.empty()) return std::nullopt;
    return those[d_.below(those.size())];
  }

  // Given the queue of this moment and nobody else coming: does it really get its permit only after its time?
  void would_not_have_been_served(const ask& refused) {
    ++refusals_tried;
    replica r{rules_};
    for (const auto& deed : deeds_) deed(r);
    r.out.clear();
    for (std::size_t i = 0; i < all_.size() && i < r.places.size(); ++i) {
      if (all_[i].now == request::is::granted) r.limited.sent(r.places[i].drawn, now_, now_, r.out);
      if (all_[i].now == request::is::queued && r.places[i].at == stage::preparing)
        r.limited.ready(r.places[i], now_, r.out);
    }
    std::set<const waiter*> sent;
    waiter forced;
    auto asked = refused;
    asked.latest = time::instant::max();
    asked.in_hand = true;
    auto at = now_;
    r.limited.enter(forced, asked, at, r.out);
    if (forced.at == stage::preparing) r.limited.ready(forced, at, r.out);
    for (int events = 0; events < 2'000; ++events) {
      while (!r.out.empty()) {
        for (auto* who : std::exchange(r.out, {})) {
          if (who->at == stage::preparing) r.limited.ready(*who, at, r.out);
          if (who->at == stage::granted && who != &forced && sent.insert(who).second)
            r.limited.sent(who->drawn, at, at, r.out);
        }
      }
      if (forced.at == stage::granted) break;
      const auto next = r.limited.next_event();
      if (!next || *next > refused.latest) break;
      at = std::max(at, *next);
      r.limited.advance(at, r.out);
    }
    CHECK_MESSAGE(forced.at != stage::granted,
                  "it was refused, and would have been served " << (refused.latest - at).count() << " ns in time");
    r.limited.leave(forced, at, r.out);
  }

  void check_slots() {
    if (!rules_.test_account) return;
    std::erase_if(held_, [&](const auto& one) { return one.second.until <= now_; });
    const auto seen = limited_->slots(now_);
    REQUIRE(seen.size() == held_.size());
    REQUIRE(seen.size() <= rules_.test_account->open_sessions);
    for (const auto& one : seen) {
      REQUIRE(held_.contains(one.id));
      REQUIRE(one.holders.size() == held_.at(one.id).holders.size());
    }
  }

  // Everybody leaves, everything is settled, and much time passes: then everything can be drawn again.
  void wind_up() {
    while (const auto n = pick(request::is::queued)) {
      all_[*n].now = request::is::over;
      limited_->leave(all_[*n].place, now_, out_);
      done([](replica&) {});
    }
    pass_time(5s);
    while (const auto n = pick(request::is::sent)) settle(*n, effect::unknown);
    now_ += 100h;
    advance();
    for (std::size_t a = 0; a < rules_.accounts.size(); ++a) {
      CHECK(limited_->state(a, now_).waiting == 0);
      for (std::size_t c = 0; c < rules_.callers.size(); ++c) {
        std::vector<window_state> left;
        limited_->windows(a, c, kind::creation, now_, left);
        for (const auto& one : left) CHECK(one.remaining == one.rate);
        waiter probe;
        limited_->enter(probe, {.account = a, .caller = c, .what = kind::creation, .latest = now_, .in_hand = true},
                        now_, out_);
        REQUIRE(probe.at == stage::granted);
        limited_->give_back(probe.drawn, now_, out_);
      }
    }
    CHECK(limited_->slots(now_).empty());
    CHECK_FALSE(limited_->next_event().has_value());
  }

  void check_sent() {
    const auto held_by = [&](const std::vector<window>& windows, const std::function<bool(const sending&)>& counts) {
      std::vector<time::instant> instants;
      for (const auto& one : sent_)
        if (counts(one)) instants.push_back(one.at);
      std::ranges::sort(instants);
      for (const auto& one : windows) check_window(instants, one);
    };
    const auto creates = [](const sending& one) { return one.creation && !one.without_effect; };
    for (std::size_t a = 0; a < rules_.accounts.size(); ++a) {
      const auto& windows = rules_.accounts[a].windows;
      held_by(windows.requests, [&](const sending& one) { return one.account == a; });
      held_by(windows.sessions, [&](const sending& one) { return one.account == a && creates(one); });
      for (std::size_t c = 0; c < rules_.callers.size(); ++c) {
        const auto& own = rules_.callers[c].on[a].windows;
        const auto its = [=](const sending& one) { return one.account == a && one.caller == c; };
        held_by(own.requests, its);
        held_by(own.sessions, [&](const sending& one) { return its(one) && creates(one); });
      }
    }
    if (!rules_.test_account) return;
    held_by(rules_.test_account->windows.requests, [](const sending&) { return true; });
    held_by(rules_.test_account->windows.sessions, creates);
  }

  struct held_slot {
    time::instant until{};
    std::set<std::size_t> holders{};
    bool bound = false;
  };

  dice d_;
  domain_rules rules_;
  std::deque<request> all_;
  std::unique_ptr<domain> limited_;
  notices out_;
  time::instant now_ = start;
  std::vector<sending> sent_;
  std::map<std::uint64_t, held_slot> held_;
  std::vector<deed> deeds_;
};

std::optional<std::uint64_t> one_seed() {
  const auto* given = std::getenv("GATEWAY_SEED");
  if (given == nullptr) return std::nullopt;
  return std::strtoull(given, nullptr, 10);
}

constexpr int steps = 500;
constexpr std::uint64_t episodes = 2'000;

TEST_CASE("whatever happens in a million steps: no window is exceeded, nothing is lost, nobody is refused in vain") {
  std::size_t tried = 0;
  const auto run = [&](std::uint64_t seed) {
    CAPTURE(seed);
    INFO("again with GATEWAY_SEED=", seed);
    tried += episode{seed, steps}.refusals_tried;
  };
  if (const auto seed = one_seed()) return run(*seed);
  for (std::uint64_t seed = 1; seed <= episodes; ++seed) run(seed);
  MESSAGE((episodes * steps), " steps, ", tried, " refusals tried again");
  CHECK(tried > 1'000);
}

// Callers that always have somebody waiting and ready share by weight, within one permit each.
void share_by_weight(std::uint64_t seed) {
  dice d{seed};
  auto rules = rules_of({.windows = {.sessions = {{static_cast<std::uint32_t>(d.between(1, 5)), lengths[d.below(3)]}}},
                         .stretch = d.ms(0, 100),
                         .queue_length = 1'000,
                         .max_wait = 1000h},
                        2 + d.below(6));
  for (auto& caller : rules.callers) caller.weight = static_cast<std::uint32_t>(d.between(1, 7));
  table t{rules};
  const auto callers = rules.callers.size();
  t.create(0);  // the window is in use before the line forms
  for (std::uint32_t i = 1; i < rules.accounts[0].windows.sessions[0].rate; ++i) t.create(0);
  for (int i = 0; i < 100; ++i)
    for (std::size_t c = 0; c < callers; ++c) t.create(c, 1000h);
  const auto before = t.granted.size();
  std::vector<double> had(callers);
  for (std::size_t grants = before; grants < before + 80; ++grants) {
    while (t.granted.size() <= grants) t.to(*t.d.next_event());
    const auto caller = t.granted[grants]->drawn.caller;
    if (caller != 0) had[caller] += 1.0 / rules.callers[caller].weight;
    if (caller == 0) had[0] += 1.0 / rules.callers[0].weight;
    for (std::size_t i = 1; i < callers; ++i) {
      for (std::size_t j = 1; j < callers; ++j)
        REQUIRE(std::abs(had[i] - had[j]) <= 1.0 / rules.callers[i].weight + 1.0 / rules.callers[j].weight + 1e-3);
    }
  }
}

TEST_CASE("shares follow weights within one permit") {
  if (const auto seed = one_seed()) return share_by_weight(*seed);
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    share_by_weight(seed);
  }
}

}  // namespace
