#include "domain_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;
using errors::guard;

TEST_CASE("a window admits its count, and refuses with the instant at which the oldest has left it") {
  table t{rules_of({.windows = {.sessions = {{2, 10s}}}, .max_wait = 0s})};
  CHECK(t.create().at == stage::granted);
  t.advance(3s);
  CHECK(t.create().at == stage::granted);
  t.advance(1s);
  const auto& refused = t.create();
  CHECK(refused.at == stage::refused);
  CHECK(refused.why.guard == guard::window);
  CHECK(refused.why.limit == "sessions-10s");
  CHECK(refused.why.state == "2 of 2 used");
  CHECK(refused.why.admitted_at == start + 10s);
  t.to(start + 10s - 1ns);
  CHECK(t.create().at == stage::refused);
  t.to(start + 10s);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("of several windows the latest answer counts") {
  table t{rules_of({.windows = {.sessions = {{1, 10s}, {2, 1h}}}, .max_wait = 0s})};
  CHECK(t.create().at == stage::granted);
  t.advance(10s);
  CHECK(t.create().at == stage::granted);
  t.advance(10s);
  const auto& refused = t.create();
  CHECK(refused.why.limit == "sessions-1h");
  CHECK(refused.why.admitted_at == start + 1h);
}

TEST_CASE("a window is longer by the stretch, at most by a twentieth of its length") {
  table t{rules_of({.windows = {.requests = {{3, 1s}}, .sessions = {{1, 10s}}}, .stretch = 300ms, .max_wait = 0s})};
  CHECK(t.create().at == stage::granted);
  CHECK(t.create().why.admitted_at == start + 10300ms);
  t.read();
  t.read();
  CHECK(t.read().why.admitted_at == start + 1050ms);
}

TEST_CASE("creations count as requests, and requests not as creations") {
  table t{rules_of({.windows = {.requests = {{2, 1s}}, .sessions = {{1, 10s}}}, .max_wait = 0s})};
  CHECK(t.create().at == stage::granted);
  CHECK(t.read().at == stage::granted);
  CHECK(t.read().why.limit == "requests-1s");
  t.advance(1s);
  CHECK(t.read().at == stage::granted);
  CHECK(t.create().why.limit == "sessions-10s");
}

TEST_CASE("an outstanding permit occupies its windows, and counts from when it was sent") {
  table t{rules_of({.windows = {.sessions = {{1, 10s}}}, .max_wait = 0s})};
  t.sends = false;
  auto& first = t.create();
  REQUIRE(first.at == stage::granted);
  t.advance(1s);
  CHECK(t.create().why.admitted_at == start + 11s);
  t.send(first);
  t.to(start + 11s - 1ns);
  CHECK(t.create().at == stage::refused);
  t.to(start + 11s);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("a permit with which nothing was sent is as if it had not been drawn") {
  table t{rules_of({.windows = {.requests = {{1, 10s}}, .sessions = {{1, 10s}}}, .max_wait = 0s})};
  t.sends = false;
  auto& first = t.create();
  t.d.give_back(first.drawn, t.now, t.out);
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("what created nothing gives back the creation, never the request") {
  table t{rules_of({.windows = {.requests = {{2, 10s}}, .sessions = {{1, 10s}}}, .max_wait = 0s})};
  auto& first = t.create();
  t.d.settle(first.drawn, errors::effect::none, t.now, t.out);
  auto& second = t.create();
  CHECK(second.at == stage::granted);
  t.d.settle(second.drawn, errors::effect::none, t.now, t.out);
  CHECK(t.create().why.limit == "requests-10s");
}

TEST_CASE("what may have created something stays counted") {
  table t{rules_of({.windows = {.sessions = {{1, 10s}}}, .max_wait = 0s})};
  auto& first = t.create();
  t.d.settle(first.drawn, errors::effect::unknown, t.now, t.out);
  CHECK(t.create().at == stage::refused);
}

TEST_CASE(
    "a permit that is not sent in its allowance is burnt: it counts as sent then, and again if it is sent indeed") {
  table t{rules_of({.windows = {.sessions = {{2, 10s}}}, .max_wait = 0s})};
  t.sends = false;
  auto& first = t.create();
  REQUIRE(first.drawn.send_by == start + 2s);
  t.to(start + 2s + 1ns);
  t.create();
  CHECK(t.create().at == stage::refused);
  t.advance(1s);
  t.send(first);
  // Both places are taken from then on.
  CHECK(t.create().at == stage::refused);
  t.to(start + 12s + 1ns);
  CHECK(t.create().at == stage::refused);
}

TEST_CASE("a burnt permit that is given back stays counted, and frees its slot") {
  table t{on_test_account(rules_of({.windows = {.sessions = {{2, 10s}}}, .max_wait = 0s}), {.open_sessions = 1})};
  t.sends = false;
  auto& first = t.create();
  t.to(start + 3s);
  CHECK(t.d.slots(t.now).size() == 1);
  t.d.give_back(first.drawn, t.now, t.out);
  CHECK(t.d.slots(t.now).empty());
  CHECK(t.create().at == stage::granted);
}

TEST_CASE("a caller's own limit is asked first, and costs the account nothing") {
  auto rules = rules_of({.windows = {.sessions = {{3, 1min}}}, .max_wait = 0s});
  rules.callers[0].on[0].windows.sessions = {{1, 1h}};
  table t{rules};
  CHECK(t.create(0).at == stage::granted);
  for (int i = 0; i < 10; ++i) {
    const auto& refused = t.create(0);
    CHECK(refused.why.guard == guard::caller);
    CHECK(refused.why.limit == "caller-sessions-1h");
    CHECK(refused.why.admitted_at == start + 1h);
  }
  CHECK(t.create(1).at == stage::granted);
  CHECK(t.create(2).at == stage::granted);
  CHECK(t.create(1).why.guard == guard::window);
}

TEST_CASE("windows of a test account hold for all accounts that name it") {
  auto rules = rules_of({.name = "a", .max_wait = 0s});
  rules.accounts.push_back({.name = "b", .max_wait = 0s});
  for (auto& caller : rules.callers) caller.on.resize(2);
  table t{on_test_account(rules, {.windows = {.sessions = {{1, 10s}}}, .open_sessions = 9})};
  CHECK(t.create().at == stage::granted);
  const auto& other = t.enter({.account = 1, .caller = 1, .what = kind::creation, .latest = t.now, .in_hand = true});
  CHECK(other.at == stage::refused);
  CHECK(other.why.limit == "sessions-10s");
}

TEST_CASE("what is left of the windows, with the queue taken off") {
  table t{rules_of({.windows = {.requests = {{5, 1s}}, .sessions = {{1, 10s}, {30, 1h}}}, .max_wait = 1h})};
  t.create(0);
  t.advance(4s);
  t.create(1);
  std::vector<window_state> seen;
  t.d.windows(0, 2, kind::creation, t.now, seen);
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].name == "requests-1s");
  CHECK(seen[0].remaining == 4);  // one waits
  CHECK(seen[0].restored == t.now);
  CHECK(seen[1].name == "sessions-10s");
  CHECK(seen[1].remaining == 0);
  CHECK(seen[1].next == start + 10s);
  CHECK(seen[1].restored == start + 10s);
  CHECK(seen[2].remaining == 28);
  CHECK(seen[2].next == t.now);
  CHECK(seen[2].restored == start + 1h);
}

TEST_CASE("now never goes back") {
  table t{rules_of({.windows = {.sessions = {{1, 10s}}}, .max_wait = 0s})};
  t.advance(5s);
  t.create();
  t.now = start;
  CHECK(t.create().why.admitted_at == start + 15s);
}

}  // namespace
