#include "onboarding/poll_plan.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace gateway;
using namespace gateway::onboarding;
using namespace std::chrono_literals;

constexpr time::instant start{1h};

TEST_CASE("the first poll is due at once, the next ones further and further apart") {
  poll_plan plan{{.interval = 2s, .longest = 10s}, start};
  CHECK(plan.due() == start);
  CHECK_FALSE(plan.fresh(start));
  auto now = start;
  std::vector<time::duration> apart;
  for (int i = 0; i < 6; ++i) {
    plan.seen(now);
    apart.push_back(plan.due() - now);
    CHECK(plan.interval() == apart.back());
    now = plan.due();
  }
  CHECK(apart == std::vector<time::duration>{2s, 3s, 4500ms, 6750ms, 10s, 10s});
}

TEST_CASE("what was seen is good until the next poll is due") {
  poll_plan plan{{.interval = 2s, .longest = 10s}, start};
  plan.seen(start);
  CHECK(plan.fresh(start + 2s - 1ns));
  CHECK_FALSE(plan.fresh(start + 2s));
}

TEST_CASE("what another replica saw counts from then") {
  poll_plan plan{{.interval = 2s, .longest = 10s}, start};
  plan.seen(start, 1500ms);
  CHECK(plan.due() == start + 500ms);
  CHECK(plan.interval() == 2s);
}

TEST_CASE("where there is no room the poll waits, and the interval that is shown is the true one") {
  poll_plan plan{{.interval = 2s, .longest = 10s}, start};
  plan.seen(start);
  plan.postponed(start + 7s);
  CHECK(plan.due() == start + 7s);
  CHECK(plan.interval() == 7s);
  CHECK(plan.spacing() == 2s);  // what postpones a poll is not what the next one has to wait for again
  plan.postponed(start + 1s);   // never sooner
  CHECK(plan.due() == start + 7s);
  plan.seen(start + 7s);
  CHECK(plan.interval() == 3s);
}

TEST_CASE("failures space the polls out, too, and make nothing fresh") {
  poll_plan plan{{.interval = 2s, .longest = 10s}, start};
  plan.failed(start);
  CHECK(plan.due() == start + 2s);
  CHECK_FALSE(plan.fresh(start));
  plan.failed(start + 2s);
  CHECK(plan.due() == start + 5s);
}

TEST_CASE("when somebody says that something has happened, the pace begins anew") {
  poll_plan plan{{.interval = 2s, .longest = 10s}, start};
  auto now = start;
  for (int i = 0; i < 6; ++i) plan.seen(std::exchange(now, plan.due()));
  REQUIRE(plan.interval() == 10s);
  plan.stirred(now - 9s);
  CHECK(plan.due() == now - 7s);
  plan.seen(now - 7s);
  CHECK(plan.interval() == 2s);
}

TEST_CASE("a longest interval below the first one is the first one") {
  poll_plan plan{{.interval = 5s, .longest = 1s}, start};
  plan.seen(start);
  plan.seen(start + 5s);
  CHECK(plan.interval() == 5s);
}

}  // namespace
