#include "store/server_clock.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

constexpr time::instant start{1h};

TEST_CASE("an answer bounds the other clock by its round trip") {
  store::server_clock clock;
  CHECK(clock.heard(7'000'000, start, start + 10ms));
  CHECK(clock.local(7'000'000) == start + 10ms);
  CHECK(clock.latest(start) == 7'000'001);
  // A shorter round trip bounds it more closely.
  CHECK(clock.heard(8'000'000, start + 1004ms, start + 1005ms));
  CHECK(clock.local(8'000'000) == start + 1005ms);
}

TEST_CASE("clocks drift, by 500 ppm at most") {
  store::server_clock clock;
  CHECK(clock.heard(0, start, start));
  CHECK(clock.heard(1'000'400, start + 1s, start + 1s));
  CHECK(clock.heard(101'000'000 - 45'000, start + 101s, start + 101s));
  CHECK_FALSE(clock.heard(102'000'000 - 47'000, start + 102s, start + 102s));
}

TEST_CASE("a jump is one beyond round trip and drift, once") {
  store::server_clock clock;
  CHECK(clock.heard(0, start, start + 1ms));
  CHECK_FALSE(clock.heard(2'000'000, start + 1s, start + 1s + 1ms));
  CHECK(clock.heard(3'000'000, start + 2s, start + 2s + 1ms));
  CHECK_FALSE(clock.heard(1'000'000, start + 3s, start + 3s + 1ms));
}

}  // namespace
