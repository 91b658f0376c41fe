#include "domain_fixture.hpp"

#include <algorithm>

#include "limiter/resources.hpp"
#include "store/memory_ledger.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using errors::guard;

account_rules one_per_ten_seconds(time::duration max_wait = 1h) {
  return {.windows = {.sessions = {{1, 10s}}}, .max_wait = max_wait};
}

// Counts the looks at what a resource has seen, of which a step through the queue takes several.
struct watched_ledger final : store::memory_ledger {
  watched_ledger(store::ledger_rules rules, std::size_t& count) : memory_ledger{std::move(rules)}, looks{count} {}
  const store::history& known(std::uint32_t resource) const noexcept override {
    ++looks;
    return memory_ledger::known(resource);
  }
  std::size_t& looks;
};

TEST_CASE(
    "thousands who lack nothing but a connection are not walked through for each who comes, goes or is sent away") {
  std::size_t looks = 0;
  const auto rules = rules_of({.windows = {.sessions = {{100'000, 1s}}}, .queue_length = 5000, .max_wait = 1h});
  table t{rules, std::make_unique<watched_ledger>(ledger_rules_of(rules), looks)};
  t.slow = true;
  const auto looks_during = [&](const auto& act) {
    const auto before = looks;
    act();
    return looks - before;
  };
  for (std::size_t i = 0; i < 5000; ++i) {
    auto* who = &t.all.emplace_back();
    REQUIRE(looks_during([&] {
              t.d.enter(*who, {.caller = i % 3, .what = kind::creation, .latest = t.now + 1h}, t.now, t.out);
            }) < 50);
    REQUIRE(who->at == stage::preparing);
  }
  auto& sent_away = t.all.emplace_back();
  REQUIRE(looks_during([&] {
            t.d.enter(sent_away, {.caller = 0, .what = kind::creation, .latest = t.now + 1h}, t.now, t.out);
          }) < 50);
  const auto refused = std::ranges::find(t.all, stage::refused, &waiter::at);
  REQUIRE(refused != t.all.end());
  CHECK(refused->why.guard == guard::queue);
  CHECK(refused->why.admitted_at == t.now);
  for (auto& who : t.all) REQUIRE(looks_during([&] { t.d.leave(who, t.now, t.out); }) < 50);
  CHECK_FALSE(t.d.next_event().has_value());
}

TEST_CASE("first come, first served, each at its instant") {
  table t{rules_of(one_per_ten_seconds())};
  t.create();
  auto& second = t.create();
  auto& third = t.create();
  CHECK(second.at == stage::waiting);
  t.to(start + 10s - 1ns);
  CHECK(second.at == stage::ready);
  t.to(start + 10s);
  CHECK(second.at == stage::granted);
  CHECK(second.drawn.drawn_at == start + 10s);
  CHECK(third.at == stage::waiting);
  t.to(start + 20s);
  CHECK(third.at == stage::granted);
}

TEST_CASE("a waiting request prepares shortly before its turn, not earlier") {
  table t{rules_of(one_per_ten_seconds())};
  t.slow = true;
  t.create();
  auto& second = t.create();
  t.to(start + 9500ms - 1ns);
  CHECK(second.at == stage::waiting);
  t.to(start + 9500ms);
  CHECK(second.at == stage::preparing);
  t.to(start + 12s);
  CHECK(second.at == stage::preparing);
  t.make_ready(second);
  CHECK(second.at == stage::granted);
  CHECK(second.drawn.drawn_at == start + 12s);
}

TEST_CASE("who is not ready keeps its place while the next ready one goes") {
  table t{rules_of({.windows = {.sessions = {{1, 100ms}}}, .max_wait = 1h})};
  t.slow = true;
  t.create(0);
  auto& slow = t.create(1);
  auto& quick = t.create(2);
  t.make_ready(quick);
  t.to(start + 100ms);
  CHECK(quick.at == stage::granted);
  t.to(start + 200ms);
  auto& later = t.create(2, 1h, false);
  t.make_ready(later);
  CHECK(later.at == stage::granted);  // nobody else was ready
  t.to(start + 250ms);
  auto& last = t.create(2, 1h, false);
  t.make_ready(slow);
  t.make_ready(last);
  t.to(start + 300ms);
  CHECK(slow.at == stage::granted);
  CHECK(last.at == stage::ready);
}

TEST_CASE("whoever cannot be served in its time is refused at the door, whoever can waits") {
  table t{rules_of(one_per_ten_seconds())};
  t.create();
  CHECK(t.create(1, 10s - 1ns).at == stage::refused);
  CHECK(t.create(1, 10s).at == stage::waiting);
  // Its place is the one after that.
  CHECK(t.create(2, 20s - 1ns).at == stage::refused);
  CHECK(t.create(2, 20s).at == stage::waiting);
}

TEST_CASE("the account bounds how long anybody waits") {
  table t{rules_of(one_per_ten_seconds(5s))};
  t.create();
  CHECK(t.create(1, 1h).at == stage::refused);
  t.advance(5s);
  CHECK(t.create(1, 1h).at == stage::waiting);
}

TEST_CASE("a request without a connection may go on preparing while its permit is free, whatever its patience") {
  table t{rules_of(one_per_ten_seconds(0s))};
  t.slow = true;
  auto& first = t.create(0, 1h, false);
  CHECK(first.at == stage::preparing);
  auto& second = t.create(1, 1h, false);
  CHECK(second.at == stage::refused);
  CHECK(second.why.admitted_at == start + 10s);
  t.advance(3s);
  CHECK(first.at == stage::preparing);
  // Somebody who is ready takes the permit; then its time cannot be met any more.
  auto& quick = t.create(1);
  CHECK(quick.at == stage::granted);
  CHECK(first.at == stage::refused);
  CHECK(first.why.admitted_at == start + 13s);
}

TEST_CASE("who leaves hands on, and those behind move up") {
  table t{rules_of(one_per_ten_seconds())};
  t.create();
  auto& leaving = t.create();
  auto& next = t.create();
  t.advance(1s);
  t.d.leave(leaving, t.now, t.out);
  CHECK(leaving.at == stage::outside);
  t.to(start + 10s);
  CHECK(next.at == stage::granted);
}

TEST_CASE("callers take turns, whoever came in crowds") {
  table t{rules_of(one_per_ten_seconds())};
  t.create(0);
  std::vector<waiter*> crowd;
  for (int i = 0; i < 5; ++i) crowd.push_back(&t.create(0));
  auto& alone = t.create(1);
  // The crowd's first was here before; the other caller has not had its share yet.
  t.to(start + 10s);
  CHECK(alone.at == stage::granted);
  t.to(start + 20s);
  CHECK(crowd[0]->at == stage::granted);
}

TEST_CASE("shares follow the weights") {
  auto rules = rules_of(one_per_ten_seconds(), 2);
  rules.callers[0].weight = 3;
  table t{rules};
  t.create(0);
  for (int i = 0; i < 40; ++i) {
    t.create(0, 24h);
    t.create(1, 24h);
  }
  t.to(start + 200s);
  std::ptrdiff_t first = 0;
  std::ptrdiff_t second = 0;
  for (const auto* who : t.granted) (who->drawn.caller == 0 ? first : second) += 1;
  CHECK(first + second == 20);
  CHECK((second == 5 || second == 6));
}

TEST_CASE("a caller that was away has no credit") {
  table t{rules_of(one_per_ten_seconds(), 2)};
  t.create(0);
  for (int i = 0; i < 30; ++i) t.create(0, 24h);
  t.to(start + 100s);
  for (int i = 0; i < 30; ++i) t.create(1, 24h);
  t.granted.clear();
  t.to(start + 200s);
  std::ptrdiff_t late = std::ranges::count_if(t.granted, [](const auto* who) { return who->drawn.caller == 1; });
  CHECK((late == 5 || late == 6));
}

TEST_CASE("who is held back by its own limit does not hold up those behind it") {
  auto rules = rules_of(one_per_ten_seconds());
  rules.callers[0].on[0].windows.sessions = {{1, 60s}};
  table t{rules};
  t.create(0);
  auto& own = t.create(0);
  auto& other = t.create(1);
  t.to(start + 10s);
  CHECK(other.at == stage::granted);
  t.to(start + 59s);
  CHECK(own.at != stage::granted);
  t.to(start + 60s);
  CHECK(own.at == stage::granted);
}

TEST_CASE("a queued request is refused with a new instant as soon as its time cannot be met") {
  table t{rules_of(one_per_ten_seconds())};
  t.create(0);
  auto& tight = t.create(0, 12s);
  CHECK(tight.at == stage::waiting);
  t.advance(2s);
  // A caller below its share comes and goes first.
  auto& other = t.create(1, 1h);
  CHECK(other.at == stage::waiting);
  CHECK(tight.at == stage::refused);
  CHECK(tight.why.guard == guard::window);
  CHECK(tight.why.admitted_at >= start + 20s);
}

TEST_CASE("a full queue refuses; a caller beyond its share makes room for others") {
  auto rules = one_per_ten_seconds();
  rules.queue_length = 3;
  table t{rules_of(rules)};
  t.create(0);
  std::vector<waiter*> crowd;
  for (int i = 0; i < 3; ++i) crowd.push_back(&t.create(0));
  const auto& more = t.create(0);
  CHECK(more.at == stage::refused);
  CHECK(more.why.guard == guard::queue);
  CHECK(more.why.state == "3 of 3 wait");
  CHECK(more.why.admitted_at == start + 40s);
  auto& other = t.create(1);
  CHECK(other.at == stage::waiting);
  CHECK(crowd[2]->at == stage::refused);
  CHECK(crowd[2]->why.guard == guard::queue);
  CHECK(crowd[1]->at == stage::waiting);
  t.to(start + 10s);
  CHECK(other.at == stage::granted);
}

TEST_CASE("a repetition stands at the front of its caller's line") {
  table t{rules_of(one_per_ten_seconds())};
  auto& first = t.create(0);
  t.create(0);
  t.d.settle(first.drawn, errors::effect::unknown, t.now, t.out);
  t.d.enter(first, {.account = 0, .caller = 0, .what = kind::creation, .latest = t.now + 1h, .again = true}, t.now,
            t.out);
  t.to(start + 10s);
  CHECK(first.at == stage::granted);
}

TEST_CASE("who has more time keeps waiting, and takes a better caller's place") {
  auto rules = rules_of(one_per_ten_seconds(), 3);
  table t{rules};
  t.create(0);
  auto& shared = t.create(0, 15s);
  auto& tail = t.create(0, 1h);
  t.d.extend(shared, t.now + 1h, 1, t.now, t.out);
  t.to(start + 10s);
  CHECK(shared.at == stage::granted);
  CHECK(shared.drawn.caller == 1);
  t.to(start + 20s);
  CHECK(tail.at == stage::granted);
}

TEST_CASE("creations and reads that want the same windows take turns by callers' shares; a creation first") {
  table t{rules_of({.windows = {.requests = {{1, 1s}}}, .max_wait = 1h}, 2)};
  t.create(0);
  for (int i = 0; i < 5; ++i) t.read(0, 1h);
  auto& creation = t.create(1, 1h);
  t.to(start + 1s);
  CHECK(creation.at == stage::granted);
  auto& another = t.create(0, 1h);
  t.to(start + 2s);
  CHECK(another.at == stage::granted);
}

TEST_CASE("nobody goes during a pause, which everybody is told") {
  table t{rules_of({.windows = {.sessions = {{5, 10s}}}, .max_wait = 5s})};
  t.create(0);
  t.d.pause(0, t.now + 60s, t.now, t.out);
  const auto& refused = t.create(1);
  CHECK(refused.why.guard == guard::pause);
  std::vector<window_state> left;
  t.d.windows(0, 0, kind::creation, t.now, left);
  REQUIRE_FALSE(left.empty());
  for (const auto& one : left) {
    CHECK(one.remaining == 0);
    CHECK(one.next == t.now + 60s);
    CHECK(one.restored == t.now + 60s);
  }
  CHECK(refused.why.admitted_at == start + 60s);
  t.advance(57s);
  auto& waits = t.create(1);
  CHECK(waits.at == stage::waiting);
  t.to(start + 60s);
  CHECK(waits.at == stage::granted);
  CHECK(t.d.state(0, t.now).slow_down == 2.0);
}

TEST_CASE("a pause refuses those in the queue whose time it takes; its early end lets the others go") {
  table t{rules_of(one_per_ten_seconds())};
  t.create(0);
  auto& hurried = t.create(1, 15s);
  auto& patient = t.create(2, 1h);
  t.d.pause(0, t.now + 60s, t.now, t.out);
  CHECK(hurried.at == stage::refused);
  CHECK(hurried.why.guard == guard::pause);
  CHECK(patient.at == stage::waiting);
  t.advance(30s);
  t.d.resume(0, t.now, t.out);
  t.drain();
  CHECK(patient.at == stage::granted);
}

// As one that replicas share: others draw from it, and the timetable learns nothing of it.
struct drawn_by_others final : store::memory_ledger {
  using memory_ledger::memory_ledger;
  store::opening drawable(const store::use& of, time::instant now) override {
    auto opens = memory_ledger::drawable(of, now);
    if (opens.at < not_before) opens = {not_before, why};
    return opens;
  }
  store::opening expected(const store::use& of, time::instant now) override { return memory_ledger::drawable(of, now); }
  time::instant not_before = start + 1h;
  store::binding why{store::binding::by::window, resources{1, 3}.of_account(0, kind::creation), 0};
};

struct crowded {
  explicit crowded(account_rules account) : rules{rules_of(std::move(account))} {
    auto of = std::make_unique<drawn_by_others>(ledger_rules_of(rules));
    ledger = of.get();
    t.emplace(rules, std::move(of));
  }
  domain_rules rules;
  drawn_by_others* ledger;
  std::optional<table> t;
};

TEST_CASE("whose time is over before its turn is refused for what keeps it back, also where the timetable was wrong") {
  crowded all{one_per_ten_seconds()};
  auto& t = *all.t;
  auto& who = t.create(0, 5s);
  CHECK(who.at == stage::ready);
  CHECK(who.latest() == start + 5s);
  t.advance(4s);
  t.d.overdue(who, t.now, t.out);
  CHECK(who.at == stage::ready);  // not yet
  t.advance(1s);
  t.d.overdue(who, t.now, t.out);
  REQUIRE(who.at == stage::refused);
  CHECK(who.why.guard == guard::window);
  CHECK(who.why.limit == "sessions-10s");
  CHECK(who.why.admitted_at >= start + 1h);
  CHECK(t.out.empty());  // who asks hears by returning
  CHECK(t.d.state(0, t.now).waiting == 0);
  // It is granted or gone: nothing more can happen to it.
  t.d.overdue(who, t.now, t.out);
  CHECK(who.at == stage::refused);
}

TEST_CASE("who was only behind others is told that they wait, and with more time it stays") {
  crowded all{one_per_ten_seconds()};
  auto& t = *all.t;
  auto& who = t.create(0, 5s);
  t.d.extend(who, start + 8s, 0, t.now, t.out);
  t.advance(5s);
  t.d.overdue(who, t.now, t.out);
  CHECK(who.at == stage::ready);
  all.ledger->not_before = start + 8s;
  t.now = start + 8s;
  t.d.overdue(who, t.now, t.out);
  REQUIRE(who.at == stage::refused);
  CHECK(who.why.guard == guard::queue);
}

// As a shared one that is away, with no share to fall back on.
struct out_of_reach final : store::memory_ledger {
  using memory_ledger::memory_ledger;
  store::opening expected(const store::use&, time::instant) override {
    return {time::instant::max(), {store::binding::by::store, 0, 0}};
  }
  bool stranded(const store::use&, time::instant) override { return true; }
};

TEST_CASE("where nothing but the store's return can help, the windows have no room, whatever was sent") {
  const auto rules = rules_of(one_per_ten_seconds());
  const table t{rules, std::make_unique<out_of_reach>(ledger_rules_of(rules))};
  CHECK(t.d.stranded(0, t.now));
  std::vector<window_state> seen;
  t.d.windows(0, t.now, seen);
  t.d.windows(0, 1, kind::creation, t.now, seen);
  REQUIRE(seen.size() == 2);
  for (const auto& one : seen) {
    CHECK(one.remaining == 0);
    CHECK(one.next == t.now + 2s);
  }
  const table there{rules_of(one_per_ten_seconds())};
  CHECK_FALSE(there.d.stranded(0, there.now));
}

TEST_CASE("in a drain nobody waits; who need not wait still goes") {
  table t{rules_of(one_per_ten_seconds())};
  t.sends = false;
  auto& first = t.create();
  auto& waiting = t.create(1);
  t.d.drain(t.now, t.out);
  CHECK(waiting.at == stage::refused);
  CHECK(waiting.why.guard == guard::draining);
  CHECK(t.create(2).why.guard == guard::draining);
  t.d.give_back(first.drawn, t.now, t.out);
  CHECK(t.create(2).at == stage::granted);
}

TEST_CASE("what the queue looks like") {
  table t{rules_of(one_per_ten_seconds())};
  t.create();
  t.advance(1s);
  t.create();
  t.create();
  const auto seen = t.d.state(0, t.now);
  CHECK(seen.waiting == 2);
  CHECK(seen.oldest_since == start + 1s);
  CHECK(seen.slow_down == 1.0);
}

}  // namespace
