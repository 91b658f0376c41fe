#include "limiter/bulk.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using limiter::bulk_pace;

const time::instant noon{12h};

TEST_CASE("lines come evenly, and not all that a window would let pass at once") {
  bulk_pace pace;
  CHECK_FALSE(pace.begin({.interval = 100ms}, noon).has_value());
  // The first has made up for a timer's lateness already: one interval of it is forgiven.
  CHECK_FALSE(pace.begin({.interval = 100ms, .drawn = 1}, noon).has_value());
  CHECK(pace.begin({.interval = 100ms, .drawn = 2}, noon) == noon + 100ms);
  CHECK_FALSE(pace.begin({.interval = 100ms, .drawn = 2}, noon + 130ms).has_value());
  CHECK(pace.begin({.interval = 100ms, .drawn = 3}, noon + 130ms) == noon + 200ms);
}

TEST_CASE("no line comes while anybody waits, or before there is a permit") {
  bulk_pace pace;
  CHECK(pace.begin({.interval = 80ms, .anybody_waits = true}, noon) == noon + 10ms);
  CHECK(pace.begin({.interval = 1h, .anybody_waits = true}, noon) == noon + 50ms);
  CHECK(pace.begin({.anybody_waits = true}, noon) == noon + 1ms);
  CHECK(pace.begin({.opens = noon + 3s, .interval = 80ms}, noon) == noon + 3s);
  CHECK_FALSE(pace.begin({.opens = noon + 3s, .interval = 80ms}, noon + 3s).has_value());
}

TEST_CASE("what others draw holds lines up by as many intervals") {
  bulk_pace pace;
  CHECK_FALSE(pace.begin({.interval = 100ms, .drawn = 7}, noon).has_value());
  bulk_pace used;
  CHECK_FALSE(used.begin({.interval = 100ms}, noon).has_value());
  CHECK_FALSE(used.begin({.interval = 100ms}, noon).has_value());
  // Two of the five are the lines' own.
  CHECK(used.begin({.interval = 100ms, .drawn = 5}, noon + 1ms) == noon + 400ms);
}

TEST_CASE("who was kept away has no credit") {
  bulk_pace pace;
  CHECK_FALSE(pace.begin({.interval = 100ms}, noon).has_value());
  const auto later = noon + 1h;
  CHECK_FALSE(pace.begin({.interval = 100ms, .drawn = 1}, later).has_value());
  CHECK_FALSE(pace.begin({.interval = 100ms, .drawn = 2}, later).has_value());
  CHECK(pace.begin({.interval = 100ms, .drawn = 3}, later) == later + 100ms);
}

}  // namespace
