#include <doctest/doctest.h>

#include <optional>

#include "dispatch/account_health.hpp"
#include "dispatch/circuit_breaker.hpp"
#include "dispatch/retry_budget.hpp"
#include "foundation/random/source.hpp"
#include "foundation/transport/loop.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using namespace std::chrono_literals;

constexpr time::instant start{1000s};

// ---- the budget

int drawn(retry_budget& from, time::instant now, int tries = 1000) {
  int got = 0;
  while (got < tries && from.take(now)) ++got;
  return got;
}

TEST_CASE("a tenth of the requests may be repeated, and one a second beside") {
  retry_budget budget{{.share = 0.1, .floor_per_second = 1}};
  for (int i = 0; i < 100; ++i) budget.on_request(start);
  CHECK(budget.left(start) == 11);
  CHECK(drawn(budget, start) == 11);
  CHECK(budget.left(start) == 0);
  CHECK(drawn(budget, start + 999ms) == 0);
  CHECK(drawn(budget, start + 1s) == 1);
}

TEST_CASE("without requests only the floor is there, and no more of it after a long time") {
  retry_budget budget{{.share = 0.1, .floor_per_second = 3}};
  CHECK(drawn(budget, start) == 3);
  CHECK(drawn(budget, start + 333ms) == 0);
  CHECK(drawn(budget, start + 334ms) == 1);
  CHECK(drawn(budget, start + 1h) == 3);
}

TEST_CASE("without a floor and a share nothing is repeated") {
  retry_budget none{{.share = 0.0, .floor_per_second = 0}};
  for (int i = 0; i < 1000; ++i) none.on_request(start);
  CHECK(drawn(none, start) == 0);
}

TEST_CASE("requests of more than ten seconds ago allow nothing any more") {
  retry_budget budget{{.share = 0.1, .floor_per_second = 0}};
  for (int i = 0; i < 100; ++i) budget.on_request(start);
  CHECK(drawn(budget, start + 10s) == 0);
}

TEST_CASE("the budget refills on success: whatever happened before, ten good requests allow a repetition") {
  random::seeded_source randomness{7};
  for (int round = 0; round < 200; ++round) {
    retry_budget budget{{.share = 0.1, .floor_per_second = 0}};
    auto now = start;
    for (int step = 0; step < 300; ++step) {  // a history of requests and repetitions, some refused
      now += std::chrono::milliseconds{randomness.next() % 200};
      if (randomness.next() % 4 == 0)
        budget.take(now);
      else
        budget.on_request(now);
    }
    const auto left = budget.left(now);
    CHECK(static_cast<std::uint64_t>(drawn(budget, now)) == left);  // what is said to be left is what can be had
    CHECK(budget.left(now) == 0);
    CHECK_FALSE(budget.take(now));
    for (int good = 0; good < 10; ++good) budget.on_request(now);
    CHECK(budget.take(now));
  }
}

TEST_CASE("in no ten seconds more than the share and the floor are repeated") {
  random::seeded_source randomness{11};
  retry_budget budget{{.share = 0.1, .floor_per_second = 1}};
  std::vector<time::instant> requests;
  std::vector<time::instant> repeated;
  auto now = start;
  for (int step = 0; step < 5000; ++step) {
    now += std::chrono::milliseconds{randomness.next() % 40};
    budget.on_request(now);
    requests.push_back(now);
    if (randomness.next() % 2 == 0 && budget.take(now)) repeated.push_back(now);
  }
  const auto within = [](const std::vector<time::instant>& all, time::instant from, time::duration length) {
    return std::ranges::count_if(all, [&](auto at) { return at >= from && at < from + length; });
  };
  for (auto from = start; from < now; from += 500ms) {
    const auto allowed = 0.1 * static_cast<double>(within(requests, from - 10s, 20s)) + 11.0;
    CHECK(static_cast<double>(within(repeated, from, 10s)) <= allowed);
  }
}

// ---- the breaker

using ticket = circuit_breaker::ticket;

constexpr breaker_options small{
    .window = 10s, .min_requests = 4, .failure_ratio = 0.5, .open_for = 5s, .probe_timeout = 12s};

std::optional<circuit_state> attempt(circuit_breaker& on, verdict how, time::instant now) {
  const auto got = on.ask(now);
  REQUIRE(got.has_value());
  return on.report(*got, how, now);
}
circuit_breaker opened(time::instant now) {
  circuit_breaker made{small};
  for (int i = 0; i < 4; ++i) attempt(made, verdict::failure, now);
  REQUIRE(made.state(now) == circuit_state::open);
  return made;
}

TEST_CASE("it opens when half of at least four requests in the window failed") {
  circuit_breaker breaker{small};
  attempt(breaker, verdict::failure, start);
  attempt(breaker, verdict::failure, start);
  attempt(breaker, verdict::success, start);
  CHECK(breaker.state(start) == circuit_state::closed);
  CHECK(attempt(breaker, verdict::failure, start) == circuit_state::open);
  CHECK(breaker.state(start) == circuit_state::open);
  CHECK(breaker.ask(start + 1s).error() == start + 5s);
}

TEST_CASE("it stays closed below the ratio, and what is neutral counts as nothing") {
  circuit_breaker breaker{small};
  for (int i = 0; i < 100; ++i) attempt(breaker, verdict::neutral, start);
  for (int i = 0; i < 51; ++i) attempt(breaker, verdict::success, start);
  for (int i = 0; i < 50; ++i) CHECK_FALSE(attempt(breaker, verdict::failure, start).has_value());
  CHECK(breaker.state(start) == circuit_state::closed);
  attempt(breaker, verdict::failure, start);
  CHECK(breaker.state(start) == circuit_state::open);
}

TEST_CASE("failures of more than a window ago are forgotten") {
  circuit_breaker breaker{small};
  for (int i = 0; i < 3; ++i) attempt(breaker, verdict::failure, start);
  attempt(breaker, verdict::failure, start + 10s);
  CHECK(breaker.state(start + 10s) == circuit_state::closed);
  for (int i = 0; i < 3; ++i) attempt(breaker, verdict::failure, start + 18s);
  CHECK(breaker.state(start + 18s) == circuit_state::open);
}

TEST_CASE("after open_for one probe at a time, and a success closes it") {
  auto breaker = opened(start);
  CHECK_FALSE(breaker.ask(start + 5s - 1ns).has_value());
  CHECK(breaker.state(start + 5s) == circuit_state::half_open);
  const auto probe = breaker.ask(start + 5s);
  REQUIRE(probe.has_value());
  CHECK(probe->probe);
  for (int i = 0; i < 100; ++i) CHECK(breaker.ask(start + 6s).error() == start + 11s);
  CHECK(breaker.ask(start + 15s).error() == start + 17s);  // when the probe's time is over
  CHECK(breaker.report(*probe, verdict::success, start + 16s) == circuit_state::closed);
  CHECK(breaker.state(start + 16s) == circuit_state::closed);
  CHECK_FALSE(breaker.ask(start + 16s)->probe);
  // With a clean sheet.
  for (int i = 0; i < 3; ++i) attempt(breaker, verdict::failure, start + 16s);
  CHECK(breaker.state(start + 16s) == circuit_state::closed);
}

TEST_CASE("a probe that fails opens it again for the whole time") {
  auto breaker = opened(start);
  const auto probe = breaker.ask(start + 7s);
  CHECK(breaker.report(*probe, verdict::failure, start + 8s) == circuit_state::open);
  CHECK(breaker.ask(start + 9s).error() == start + 13s);
  CHECK(breaker.ask(start + 13s).has_value());
}

TEST_CASE("a probe that says nothing leaves the place to the next one") {
  auto breaker = opened(start);
  const auto probe = breaker.ask(start + 5s);
  CHECK_FALSE(breaker.report(*probe, verdict::neutral, start + 6s).has_value());
  CHECK(breaker.state(start + 6s) == circuit_state::half_open);
  CHECK(breaker.ask(start + 6s)->probe);
}

TEST_CASE("a leaked probe has failed when its time is over, and the next one goes after open_for") {
  auto breaker = opened(start);
  const auto leaked = breaker.ask(start + 5s);
  REQUIRE(leaked.has_value());
  CHECK(breaker.state(start + 17s) == circuit_state::open);
  CHECK(breaker.ask(start + 17s).error() == start + 22s);
  CHECK(breaker.state(start + 22s) == circuit_state::half_open);
  const auto next = breaker.ask(start + 22s);
  REQUIRE(next.has_value());
  CHECK_FALSE(breaker.report(*leaked, verdict::failure, start + 23s).has_value());  // old news
  CHECK(breaker.state(start + 23s) == circuit_state::half_open);
  CHECK(breaker.report(*leaked, verdict::success, start + 23s) == circuit_state::closed);  // but it answers
  CHECK_FALSE(breaker.report(*next, verdict::failure, start + 24s).has_value());
  CHECK(breaker.state(start + 24s) == circuit_state::closed);
}

TEST_CASE("what was begun before it opened neither closes it nor opens it again") {
  circuit_breaker breaker{small};
  const auto early = breaker.ask(start);
  for (int i = 0; i < 4; ++i) attempt(breaker, verdict::failure, start);
  CHECK_FALSE(breaker.report(*early, verdict::success, start + 1s).has_value());
  CHECK(breaker.state(start + 1s) == circuit_state::open);
  const auto probe = breaker.ask(start + 5s);
  CHECK(breaker.report(*probe, verdict::success, start + 5s) == circuit_state::closed);
  for (int i = 0; i < 10; ++i) CHECK_FALSE(breaker.report(*early, verdict::failure, start + 6s).has_value());
  CHECK(breaker.state(start + 6s) == circuit_state::closed);
}

// ---- both, shared

TEST_CASE("a permit that is dropped without a verdict is a failure, a settled one is not") {
  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  account_health health{small, {}};
  for (int i = 0; i < 4; ++i) CHECK_FALSE(health.ask(loop, true)->settle(verdict::success).has_value());
  for (int i = 0; i < 3; ++i) {
    const auto dropped = health.ask(loop, true);
    REQUIRE(dropped.has_value());
    CHECK(health.state(loop.now()) == circuit_state::closed);
  }
  {
    auto moved = health.ask(loop, true);
    const auto kept = std::move(*moved);
    CHECK(health.state(loop.now()) == circuit_state::closed);
  }
  CHECK(health.state(loop.now()) == circuit_state::open);
  CHECK(health.ask(loop, true).error() == loop.now() + 5s);
}

TEST_CASE("only the first attempt of a request refills the budget") {
  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  account_health health{small, {.share = 0.1, .floor_per_second = 0}};
  for (int i = 0; i < 10; ++i) health.ask(loop, false)->settle(verdict::success);
  CHECK_FALSE(health.may_repeat(loop.now()));
  for (int i = 0; i < 10; ++i) health.ask(loop, true)->settle(verdict::success);
  CHECK(health.may_repeat(loop.now()));
  CHECK_FALSE(health.may_repeat(loop.now()));
}

}  // namespace
