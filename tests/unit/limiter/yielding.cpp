// Requests that yield: they take what nobody else wants.
#include "domain_fixture.hpp"
#include "store/memory_ledger.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using errors::guard;

waiter& poll(table& t, bool in_hand = true) {
  return t.enter({.account = 0, .what = kind::request, .in_hand = in_hand, .yields = true});
}

account_rules ten_requests_per_second() {
  return {.windows = {.requests = {{10, 1s}}}, .max_wait = 1h};
}

TEST_CASE("where there is room, one that yields goes at once, and counts in the windows of all requests") {
  table t{rules_of(ten_requests_per_second())};
  for (int i = 0; i < 10; ++i) CHECK(poll(t).at == stage::granted);
  CHECK(t.read().at != stage::granted);
  t.to(start + 1s);
  CHECK(t.count(stage::granted) == 11);
}

// As one that replicas share: a permit is there only when it was fetched for somebody who is ready.
class fetching_ledger final : public store::memory_ledger {
 public:
  using memory_ledger::memory_ledger;
  store::opening drawable(const store::use& of, time::instant now) override {
    auto opens = memory_ledger::drawable(of, now);
    if (!fetched) opens.at = std::max(opens.at, now + 1ms);
    return opens;
  }
  store::opening expected(const store::use& of, time::instant now) override { return memory_ledger::drawable(of, now); }
  void want(const store::use&, std::size_t how_many, time::instant) override { wanted = how_many; }
  bool fetched = false;
  std::size_t wanted = 0;
};

// It comes with a connection in hand, and takes none yet: to be told that it is ready would leave it without one.
TEST_CASE("where the permit has to be fetched first, it prepares, and goes when it is there") {
  const auto rules = rules_of(ten_requests_per_second());
  auto made = std::make_unique<fetching_ledger>(ledger_rules_of(rules));
  auto& ledger = *made;
  domain d{rules, std::move(made)};
  notices out;
  waiter who;
  d.enter(who, {.what = kind::request, .latest = time::instant::max(), .in_hand = true, .yields = true}, start, out);
  REQUIRE(who.at == stage::preparing);
  d.ready(who, start, out);
  REQUIRE(who.at == stage::ready);
  CHECK(ledger.wanted == 1);
  ledger.fetched = true;
  d.ledger_changed(start + 1ms, out);
  CHECK(who.at == stage::granted);
}

TEST_CASE("it needs no limits at all") {
  table t{rules_of({})};
  CHECK(poll(t).at == stage::granted);
}

TEST_CASE("without room it is refused at once, and told when to look again") {
  table t{rules_of(ten_requests_per_second())};
  for (int i = 0; i < 10; ++i) t.read();
  auto& refused = poll(t);
  CHECK(refused.at == stage::refused);
  CHECK(refused.why.guard == guard::window);
  CHECK(refused.why.admitted_at == start + 1s);
}

TEST_CASE("it never goes while somebody in the queue could want its permit") {
  table t{rules_of(ten_requests_per_second())};
  t.slow = true;
  for (int i = 0; i < 8; ++i) t.create();
  auto& first = t.create(0, 1h, false);
  auto& second = t.create(1, 1h, false);
  REQUIRE(first.at == stage::preparing);
  // Two permits are left, and two creations are about to take them.
  CHECK(poll(t).at == stage::refused);
  t.make_ready(first);
  t.make_ready(second);
  CHECK(first.at == stage::granted);
  CHECK(second.at == stage::granted);
}

TEST_CASE("creations that wait for a window of creations alone are in nobody's way") {
  table t{rules_of({.windows = {.requests = {{10, 1s}}, .sessions = {{1, 10s}}}, .max_wait = 1h})};
  t.create();
  auto& waits = t.create();
  REQUIRE(waits.at != stage::granted);
  CHECK(poll(t).at == stage::granted);
  // Nine are used or wanted; the tenth is the last.
  for (int i = 0; i < 7; ++i) CHECK(poll(t).at == stage::granted);
  CHECK(poll(t).at == stage::refused);
  t.to(start + 10s);
  CHECK(waits.at == stage::granted);
}

TEST_CASE("whoever comes while it gets its connection goes before it") {
  table t{rules_of(ten_requests_per_second())};
  t.slow = true;
  for (int i = 0; i < 9; ++i) t.read();
  auto& slow = poll(t, false);
  REQUIRE(slow.at == stage::preparing);
  CHECK(t.create().at == stage::granted);
  t.make_ready(slow);
  CHECK(slow.at == stage::ready);
  t.d.unready(slow, t.now, t.out);
  CHECK(slow.at == stage::refused);
  CHECK(slow.why.admitted_at == start + 1s);
}

TEST_CASE("one that waits for the window alone goes when it opens") {
  table t{rules_of(ten_requests_per_second())};
  t.slow = true;
  for (int i = 0; i < 9; ++i) t.read();
  auto& slow = poll(t, false);
  t.create();
  t.make_ready(slow);
  t.to(start + 1s);
  CHECK(slow.at == stage::granted);
}

TEST_CASE("a pause and a drain are for it, too; who leaves takes no permit") {
  table t{rules_of(ten_requests_per_second())};
  t.d.pause(0, start + 5s, t.now, t.out);
  CHECK(poll(t).at == stage::refused);
  CHECK(t.all.back().why.guard == guard::pause);
  CHECK(t.all.back().why.admitted_at == start + 5s);
  t.to(start + 5s);
  t.slow = true;
  auto& leaves = poll(t, false);
  REQUIRE(leaves.at == stage::preparing);
  t.d.leave(leaves, t.now, t.out);
  CHECK(leaves.at == stage::outside);
  auto& waits = poll(t, false);
  t.d.drain(t.now, t.out);
  CHECK(waits.at == stage::refused);
  CHECK(waits.why.guard == guard::draining);
  CHECK(poll(t).at == stage::refused);
}

TEST_CASE("a permit that was not used goes back") {
  table t{rules_of({.windows = {.requests = {{1, 10s}}}})};
  t.sends = false;
  auto& one = poll(t);
  REQUIRE(one.at == stage::granted);
  CHECK(poll(t).at == stage::refused);
  t.d.give_back(one.drawn, t.now, t.out);
  CHECK(poll(t).at == stage::granted);
}

TEST_CASE("on a test account it draws from the windows of all requests there, and needs no slot") {
  table t{
      on_test_account(rules_of({}), {.windows = {.requests = {{2, 1s}}, .sessions = {{1, 1h}}}, .open_sessions = 1})};
  t.create();
  CHECK(poll(t).at == stage::granted);
  CHECK(poll(t).at == stage::refused);
}

}  // namespace
