#include "limiter/told.hpp"

#include "domain_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::limiter;

account_rules one_per_second() {
  return {.windows = {.sessions = {{1, 1s}}}, .max_wait = 0s};
}

TEST_CASE("no two callers are told the same instant, and who asks again is told the same") {
  table t{rules_of(one_per_second())};
  t.create(0);
  CHECK(t.create(1, 0s, true, 11).why.admitted_at == start + 1s);
  CHECK(t.create(2, 0s, true, 22).why.admitted_at == start + 2s);
  CHECK(t.create(1, 0s, true, 11).why.admitted_at == start + 1s);
  t.advance(500ms);
  CHECK(t.create(2, 0s, true, 22).why.admitted_at == start + 2s);
}

TEST_CASE("the further instants of a caller leave room for everybody else's share") {
  table t{rules_of(one_per_second(), 10)};
  t.create(0);
  CHECK(t.create(1, 0s, true, 1).why.admitted_at == start + 1s);
  CHECK(t.create(1, 0s, true, 2).why.admitted_at == start + 11s);
  CHECK(t.create(1, 0s, true, 3).why.admitted_at == start + 21s);
  CHECK(t.create(2, 0s, true, 1).why.admitted_at == start + 2s);
  CHECK(t.create(3, 0s, true, 1).why.admitted_at == start + 3s);
}

TEST_CASE("told instants are words: whoever is ready takes the permit") {
  table t{rules_of(one_per_second())};
  t.create(0);
  t.create(1, 0s, true, 1);
  t.advance(1s);
  CHECK(t.create(2).at == stage::granted);
}

TEST_CASE("whoever has come back makes room") {
  table t{rules_of(one_per_second())};
  t.create(0);
  CHECK(t.create(1, 0s, true, 1).why.admitted_at == start + 1s);
  t.advance(1s);
  CHECK(t.create(1, 0s, true, 1).at == stage::granted);
  CHECK(t.create(2, 0s, true, 2).why.admitted_at == start + 2s);
}

TEST_CASE("their number is bounded, for each caller by its share") {
  told_instants told{4};
  const auto permit = [](std::size_t k) { return start + std::chrono::seconds{k}; };
  const auto ask = [&](std::size_t caller, std::uint64_t print) {
    return told.tell({.caller = caller, .fingerprint = print, .not_before = start, .weight = 1, .all_weights = 2},
                     start, permit);
  };
  CHECK(ask(0, 1) == start);
  CHECK(ask(0, 2) == start + 2s);
  // Its share is told: from now on estimates.
  CHECK(ask(0, 3) == start + 4s);
  CHECK(ask(0, 4) == start + 4s);
  CHECK(told.size() == 2);
  CHECK(ask(1, 1) == start + 1s);
  told.came(0, 1);
  CHECK(ask(1, 2) == start + 3s);
  CHECK(told.size() == 3);
}

// Callers that come back when they are told to (in whole seconds), until they are served.
struct outcome {
  time::duration last{0};
  std::vector<time::instant> first_told;
  std::size_t hammered = 0;
};

outcome serve_fifty(bool hammer) {
  constexpr std::size_t fifty = 50;
  auto rules = rules_of({.windows = {.sessions = {{1, 1s}}}, .max_wait = 2s}, fifty + 1);
  table t{rules};
  outcome seen;
  struct obedient {
    time::instant comes = start;
    waiter* asked = nullptr;
    bool served = false;
  };
  std::vector<obedient> all(fifty);
  seen.first_told.resize(fifty);
  std::uint64_t print = 0;
  std::vector<waiter*> hammering;
  for (int tick = 0; tick < 1000; ++tick) {
    if (hammer) hammering.push_back(&t.create(fifty, 15s, true, ++print));
    for (std::size_t i = 0; i < fifty; ++i) {
      auto& one = all[i];
      if (one.served) continue;
      if (one.asked == nullptr && t.now >= one.comes) one.asked = &t.create(i, 15s, true, 1);
      if (one.asked == nullptr) continue;
      if (one.asked->at == stage::granted) {
        one.served = true;
        seen.last = std::max(seen.last, t.now - start);
        if (seen.first_told[i] == time::instant{}) seen.first_told[i] = t.now;  // it was told to wait, and for how long
      } else if (one.asked->at == stage::refused) {
        one.comes = t.now + std::chrono::ceil<std::chrono::seconds>(one.asked->why.admitted_at - t.now);
        if (seen.first_told[i] == time::instant{}) seen.first_told[i] = one.comes;
        one.asked = nullptr;
      }
    }
    t.advance(100ms);
  }
  CHECK(std::ranges::all_of(all, &obedient::served));
  seen.hammered = static_cast<std::size_t>(std::ranges::count_if(
      hammering, [&](const waiter* w) { return w->at == stage::granted && w->drawn.drawn_at - start <= seen.last; }));
  return seen;
}

TEST_CASE("fifty obedient callers are served in 1.3 of the ideal time; one that asks and asks moves nobody") {
  const auto calm = serve_fifty(false);
  CHECK(calm.last <= 65s);
  const auto hammered = serve_fifty(true);
  CHECK(hammered.last <= 65s);
  CHECK(hammered.hammered <= 2);
  for (std::size_t i = 0; i < calm.first_told.size(); ++i) {
    CAPTURE(i);
    CHECK(hammered.first_told[i] - calm.first_told[i] <= 1s);
  }
}

}  // namespace
