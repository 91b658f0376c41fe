#include "domain_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using errors::effect;
using errors::guard;

domain_rules two_slots(time::duration max_wait = 0s) {
  return on_test_account(rules_of({.max_wait = max_wait}), {.open_sessions = 2, .slot_ttl = 15min});
}

TEST_CASE("no more sessions are open at once than there are slots, and who holds them is told") {
  table t{two_slots()};
  t.create(0);
  t.advance(3min);
  t.create(1);
  t.advance(40s);
  const auto& refused = t.create(2);
  CHECK(refused.at == stage::refused);
  CHECK(refused.why.guard == guard::slot);
  CHECK(refused.why.limit == "open-sessions");
  CHECK(refused.why.state == "2 of 2 held: c0 for 3 min; c1 for 40 s");
  CHECK(refused.why.admitted_at == start + 15min);
  t.to(start + 15min);
  CHECK(t.create(2).at == stage::granted);
}

TEST_CASE("a slot is free at once when nothing was created, and held to its end when nobody knows") {
  table t{two_slots()};
  auto& none = t.create();
  auto& unknown = t.create();
  t.d.settle(none.drawn, effect::none, t.now, t.out);
  t.d.settle(unknown.drawn, effect::unknown, t.now, t.out);
  CHECK(t.d.slots(t.now).size() == 1);
  t.to(start + 15min - 1ns);
  CHECK(t.d.slots(t.now).size() == 1);
  t.to(start + 15min);
  CHECK(t.d.slots(t.now).empty());
}

TEST_CASE("completion, and giving back by every holder, free a slot for whoever waits") {
  table t{two_slots(1h)};
  auto& first = t.create(0);
  auto& second = t.create(1);
  t.d.bind(first.drawn.slot, "s1");
  t.d.bind(second.drawn.slot, "s2");
  CHECK(t.d.share("s2", 0, t.now));
  auto& third = t.create(2);
  auto& fourth = t.create(2);
  CHECK(third.at == stage::waiting);
  t.d.completed("s1", t.now, t.out);
  t.drain();
  CHECK(third.at == stage::granted);
  CHECK(t.d.give_back_slot("s2", 1, t.now, t.out));
  t.drain();
  CHECK(fourth.at == stage::waiting);
  CHECK(t.d.give_back_slot("s2", 0, t.now, t.out));
  t.drain();
  CHECK(fourth.at == stage::granted);
  CHECK_FALSE(t.d.holds("s2", t.now));
  CHECK_FALSE(t.d.give_back_slot("s2", 0, t.now, t.out));
}

TEST_CASE("a caller's own number of open sessions is its own trouble") {
  auto rules = two_slots();
  rules.callers[0].on[0].open_sessions = 1;
  table t{rules};
  t.create(0);
  const auto& refused = t.create(0);
  CHECK(refused.why.guard == guard::slot);
  CHECK(refused.why.limit == "caller-open-sessions");
  CHECK(refused.why.state == "1 of 1 held");
  CHECK(refused.why.admitted_at == start + 15min);
  CHECK(t.create(1).at == stage::granted);
}

TEST_CASE("reads need no slot") {
  table t{two_slots()};
  t.create();
  t.create();
  CHECK(t.read().at == stage::granted);
}

TEST_CASE("an operator frees a slot of which nobody knows the session") {
  table t{two_slots()};
  auto& first = t.create();
  t.create();
  t.d.free_slot(first.drawn.slot, t.now, t.out);
  CHECK(t.create().at == stage::granted);
}

}  // namespace
