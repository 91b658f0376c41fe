// Limits that change while a domain works.
#include "domain_fixture.hpp"

using namespace gateway;
using namespace gateway::limiter;

namespace {

domain_rules sessions(std::vector<window> windows, std::size_t callers = 3) {
  return rules_of({.windows = {.sessions = std::move(windows)}, .max_wait = 1h}, callers);
}

void change(table& t, domain_rules to) {
  t.d.change(std::move(to), t.now, t.out);
  t.drain();
}

}  // namespace

TEST_CASE("a stricter window counts what went before the change") {
  table t{sessions({{10, 1h}})};
  for (int i = 0; i < 3; ++i) CHECK(t.create().at == stage::granted);
  change(t, sessions({{3, 1h}}));
  auto& next = t.create(0, 1min);
  CHECK(next.at == stage::refused);
  CHECK(next.why.state == "3 of 3 used");
  t.to(start + 1h);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("a wider window does not give away what a narrower one has forgotten") {
  table t{sessions({{2, 1s}})};
  for (int i = 0; i < 6; ++i) {
    CHECK(t.create().at == stage::granted);
    t.advance(500ms);
  }
  // Six were sent within the hour, two are remembered: four at the most may be sent beside them in truth.
  change(t, sessions({{10, 1h}}));
  CHECK(t.create(0, 1s).at == stage::refused);
  t.to(t.now + 1h);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("a window where there was none starts full") {
  table t{sessions({})};
  CHECK(t.create().at == stage::granted);
  change(t, sessions({{5, 10s}}));
  CHECK(t.create(0, 1s).at == stage::refused);
  t.advance(10s);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("who waits goes as soon as a looser limit lets it") {
  table t{sessions({{2, 1h}})};
  t.create();
  auto& second = t.create();
  CHECK(second.at == stage::granted);
  auto& third = t.create(0, 1h + 1s);
  CHECK(third.at != stage::granted);
  change(t, sessions({{2, 10s}}));
  CHECK(third.at != stage::granted);
  t.advance(10s);
  CHECK(third.at == stage::granted);
}

TEST_CASE("who waits and would now be too late is refused") {
  table t{sessions({{1, 10s}})};
  t.create();
  auto& second = t.create(0, 1min);
  CHECK(second.at != stage::refused);
  change(t, sessions({{1, 1h}}));
  CHECK(second.at == stage::refused);
}

TEST_CASE("a caller that comes later has its own limits, and the others their numbers") {
  table t{sessions({{100, 1s}}, 2)};
  t.create(0);
  auto rules = sessions({{100, 1s}}, 3);
  rules.callers[2].on[0].windows.sessions = {{1, 1h}};
  change(t, rules);
  CHECK(t.create(2).at == stage::granted);
  CHECK(t.create(2, 1s).at == stage::refused);
  CHECK(t.create(0).at == stage::granted);
  CHECK(t.create(1).at == stage::granted);
}

TEST_CASE("a permit that was drawn before a caller had limits counts in them") {
  table t{sessions({{100, 1s}})};
  t.sends = false;
  auto& first = t.create(1);
  auto rules = sessions({{100, 1s}});
  rules.callers[1].on[0].windows.sessions = {{2, 1h}};
  change(t, rules);
  t.send(first);
  t.sends = true;
  t.advance(1h);  // the window starts full
  CHECK(t.create(1).at == stage::granted);
}

TEST_CASE("fewer slots revoke none, and none is taken until enough are free") {
  const auto on_two = on_test_account(sessions({}), {.open_sessions = 2, .slot_ttl = 1h});
  const auto on_one = on_test_account(sessions({}), {.open_sessions = 1, .slot_ttl = 1h});
  table t{on_two};
  auto& first = t.create();
  auto& second = t.create();
  CHECK(second.at == stage::granted);
  change(t, on_one);
  CHECK(t.d.slots(t.now).size() == 2);
  t.d.free_slot(first.drawn.slot, t.now, t.out);
  CHECK(t.create(0, 1s).at == stage::refused);
  t.d.free_slot(second.drawn.slot, t.now, t.out);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("a change amid a full queue keeps everybody's order") {
  table t{sessions({{1, 10s}})};
  t.create();
  auto& second = t.create();
  auto& third = t.create();
  change(t, sessions({{1, 5s}}));
  t.to(start + 5s);
  CHECK(second.at == stage::granted);
  CHECK(third.at != stage::granted);
  t.to(start + 10s);
  CHECK(third.at == stage::granted);
}
