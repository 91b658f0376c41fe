#include "foundation/journal/timestamp.hpp"

#include <doctest/doctest.h>

using namespace gateway;
using namespace std::chrono_literals;
using std::chrono::sys_days;

TEST_CASE("an instant is written in UTC with milliseconds, rounded down") {
  journal::timestamp stamp;
  const time::wall_instant day = sys_days{2026y / 1 / 2};
  CHECK(stamp.of(day + 3h + 4min + 5s + 678ms) == "2026-01-02T03:04:05.678Z");
  CHECK(stamp.of(day + 3h + 4min + 5s + 678ms + 999us) == "2026-01-02T03:04:05.678Z");
  CHECK(stamp.of(day) == "2026-01-02T00:00:00.000Z");
  CHECK(stamp.of(day + 23h + 59min + 59s + 999ms) == "2026-01-02T23:59:59.999Z");
}

TEST_CASE("the second is worked out anew when it changes, in either direction") {
  journal::timestamp stamp;
  const time::wall_instant leap_day = sys_days{2024y / 2 / 29};
  CHECK(stamp.of(leap_day + 24h - 1ms) == "2024-02-29T23:59:59.999Z");
  CHECK(stamp.of(leap_day + 24h) == "2024-03-01T00:00:00.000Z");
  CHECK(stamp.of(leap_day + 24h - 2ms) == "2024-02-29T23:59:59.998Z");
  CHECK(stamp.of(time::wall_instant{} - 1ms) == "1969-12-31T23:59:59.999Z");
}
