#include "store/pace.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

constexpr time::instant start{1h};

TEST_CASE("a pause never becomes shorter, and never longer than the longest") {
  store::pace p{10min};
  p.pause(start + 60s, start);
  CHECK(p.paused_until() == start + 60s);
  p.pause(start + 30s, start + 1s);
  CHECK(p.paused_until() == start + 60s);
  p.pause(start + 24h, start + 2s);
  CHECK(p.paused_until() == start + 10min + 2s);
}

TEST_CASE("after a pause the windows are twice as long, and come back step by step") {
  store::pace p{15min};
  CHECK(p.slow_down(start) == 1.0);
  p.pause(start + 10s, start);
  CHECK(p.slow_down(start) == 2.0);
  CHECK(p.slow_down(start + 39s) == 2.0);
  CHECK(p.slow_down(start + 40s) == 1.5);
  CHECK(p.slow_down(start + 70s) == 1.25);
  CHECK(p.slow_down(start + 100s) == 1.125);
  CHECK(p.slow_down(start + 130s) == 1.0625);
  CHECK(p.slow_down(start + 160s) == 1.0);
}

TEST_CASE("every further pause doubles, up to eight; what is said during one is about the same trouble") {
  store::pace p{15min};
  p.pause(start + 10s, start);
  p.pause(start + 12s, start + 1s);
  CHECK(p.slow_down(start + 12s) == 2.0);
  p.pause(start + 20s, start + 13s);
  CHECK(p.slow_down(start + 20s) == 4.0);
  p.pause(start + 30s, start + 21s);
  p.pause(start + 40s, start + 31s);
  CHECK(p.slow_down(start + 40s) == 8.0);
}

TEST_CASE("whoever ends a pause early does not end its memory") {
  store::pace p{15min};
  p.pause(start + 10min, start);
  p.resume(start + 1min);
  CHECK(p.paused_until() == start + 1min);
  CHECK(p.slow_down(start + 1min) == 2.0);
  CHECK(p.slow_down(start + 90s) == 1.5);
}

TEST_CASE("an operator's pause makes nothing slower, and hides nothing that Podero asks for") {
  store::pace p{15min};
  p.hold(start + 1h, start);
  CHECK(p.paused_until() == start + 15min);
  CHECK(p.slow_down(start + 1s) == 1.0);
  p.hold(start + 1min, start + 2s);
  CHECK(p.paused_until() == start + 15min);
  p.resume(start + 10s);
  CHECK(p.slow_down(start + 10s) == 1.0);
  p.hold(start + 1min, start + 20s);
  p.pause(start + 30s, start + 25s);  // what was under way is answered with a 429
  p.pause(start + 30s, start + 26s);
  CHECK(p.paused_until() == start + 1min);
  CHECK(p.slow_down(start + 1min) == 2.0);
  p.hold(start + 2min, start + 95s);  // one of the halvings has been
  CHECK(p.slow_down(start + 2min) == 1.5);
}

TEST_CASE("a window is left by the pace of the instant at which it is left") {
  store::pace p{15min};
  CHECK(p.left(start, 10s, 500ms, start) == start + 10500ms);
  CHECK(p.left(start, 10s, 500ms, start + 20s) == start + 20s);
  p.pause(start + 10s, start);
  // Twice as long, within the first step.
  CHECK(p.left(start, 10s, 0s, start) == start + 20s);
  // Twice would be 50 s after its start, when the pace is one and a half already: 37.5 s, but not before that step.
  CHECK(p.left(start, 25s, 0s, start) == start + 40s);
  CHECK(p.left(start, 1h, 0s, start) == start + 1h);
}

}  // namespace
