#include "admission/load_gate.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

namespace {

using namespace gateway;
using namespace gateway::admission;
using namespace std::chrono_literals;

int admitted(lag_share& share, int of) {
  int count = 0;
  for (int i = 0; i < of; ++i) count += share.admits() ? 1 : 0;
  return count;
}

TEST_CASE("a loop that is late once or twice refuses nobody") {
  lag_share share{100ms};
  for (const auto lag : {0ms, 5000ms, 5000ms, 99ms, 5000ms, 5000ms, 0ms, 100ms}) {
    share.late_by(lag);
    CHECK(admitted(share, 64) == 64);
  }
}

TEST_CASE("late again and again, it serves a smaller share each time, and never nobody") {
  lag_share share{100ms};
  std::vector<unsigned> shares;
  for (int i = 0; i < 14; ++i) {
    share.late_by(100ms);
    shares.push_back(share.share());
  }
  CHECK(shares == std::vector<unsigned>{64, 64, 48, 36, 27, 21, 16, 12, 9, 7, 6, 5, 4, 4});
  CHECK(admitted(share, 640) == 40);
}

TEST_CASE("the share is served evenly") {
  lag_share share{100ms};
  for (int i = 0; i < 7; ++i) share.late_by(1s);
  REQUIRE(share.share() == 16);
  for (int i = 0; i < 10; ++i) CHECK(admitted(share, 4) == 1);
}

TEST_CASE("between late and on time the share stays, on time it comes back step by step") {
  lag_share share{100ms};
  for (int i = 0; i < 5; ++i) share.late_by(200ms);
  REQUIRE(share.share() == 27);
  for (int i = 0; i < 10; ++i) share.late_by(99ms);
  CHECK(share.share() == 27);
  share.late_by(50ms);
  CHECK(share.share() == 27);
  share.late_by(49ms);
  CHECK(share.share() == 31);
  for (int i = 0; i < 8; ++i) share.late_by(0ms);
  CHECK(share.share() == 63);
  share.late_by(0ms);
  CHECK(share.share() == 64);
  CHECK(admitted(share, 64) == 64);
}

TEST_CASE("a pause in being late starts the patience again") {
  lag_share share{100ms};
  for (int i = 0; i < 20; ++i) {
    share.late_by(1s);
    share.late_by(1s);
    share.late_by(60ms);
  }
  CHECK(share.share() == 64);
}

TEST_CASE("as many requests as may be in flight are served, and the next one says so") {
  request_count requests{2};
  load_gate gate{requests, 100ms};
  auto one = std::make_unique<request_count::entry>(&requests);
  CHECK_FALSE(gate.at_the_door());
  const request_count::entry two{&requests};
  const auto refused = gate.at_the_door();
  REQUIRE(refused);
  CHECK(refused->id == errors::problem::overloaded);
  CHECK(refused->effect == errors::effect::none);
  CHECK(refused->decision->guard == errors::guard::overload);
  CHECK(refused->decision->limit == "requests-in-flight");
  CHECK(refused->decision->state == "2 of 2 used");
  CHECK(refused->retry_after == 1s);
  CHECK(gate.at_the_desk());
  one.reset();
  CHECK_FALSE(gate.at_the_door());
  CHECK_FALSE(gate.at_the_desk());
}

TEST_CASE("what a late loop refuses says how late it is, and a request that is in already is not refused for that") {
  request_count requests{2};
  load_gate gate{requests, 100ms};
  for (int i = 0; i < 20; ++i) gate.late_by(1234ms);
  const auto refused = gate.at_the_door();
  REQUIRE(refused);
  CHECK(refused->decision->limit == "loop-lag");
  CHECK(refused->decision->state == "1234 ms behind");
  CHECK_FALSE(gate.at_the_desk());
}

}  // namespace
