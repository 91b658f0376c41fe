#include "dispatch/retry_after.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

// Sun, 06 Nov 1994 08:49:07 GMT, thirty seconds before the date of RFC 9110's examples.
constexpr time::wall_instant now{std::chrono::sys_days{std::chrono::year{1994} / 11 / 6} + 8h + 49min + 7s};

std::optional<time::duration> read(std::string_view value, time::duration most = 15min) {
  return dispatch::retry_after(value, now, most);
}

TEST_CASE("seconds") {
  CHECK(read("0") == 0s);
  CHECK(read("120") == 120s);
  CHECK(read("007") == 7s);
  CHECK(read("900") == 15min);
  CHECK(read("901") == 15min);
  CHECK(read("99999999999999999999999999") == 15min);
  CHECK(read("1", 500ms) == 500ms);
}

TEST_CASE("a date in each of the three forms") {
  CHECK(read("Sun, 06 Nov 1994 08:49:37 GMT") == 30s);
  CHECK(read("Sunday, 06-Nov-94 08:49:37 GMT") == 30s);
  CHECK(read("Sun Nov  6 08:49:37 1994") == 30s);
  CHECK(read("Wed Nov 16 08:49:07 1994", 240h) == 240h);
}

TEST_CASE("a date is judged by the wall clock to less than a second") {
  CHECK(dispatch::retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 250ms, 15min) == 29750ms);
}

TEST_CASE("a date that has passed is no wait, one far away is the most that is believed") {
  CHECK(read("Sun, 06 Nov 1994 08:49:07 GMT") == 0s);
  CHECK(read("Thu, 01 Jan 1970 00:00:00 GMT") == 0s);
  CHECK(read("Sat, 01 Jan 0000 00:00:00 GMT") == 0s);
  CHECK(read("Fri, 31 Dec 9999 23:59:59 GMT") == 15min);
}

TEST_CASE("two digits of a year are of this century unless that is more than 50 years ahead") {
  CHECK(read("Saturday, 06-Nov-44 08:49:37 GMT") == 0s);  // 1944
  const time::wall_instant later{std::chrono::sys_days{std::chrono::year{2024} / 8 / 23}};
  CHECK(dispatch::retry_after("Sunday, 06-Nov-94 08:49:37 GMT", later, 15min) == 0s);  // not 2094
  CHECK(dispatch::retry_after("Tuesday, 23-Aug-74 00:00:00 GMT", later, 15min) == 15min);
}

TEST_CASE("anything else is as good as nothing") {
  for (const std::string_view value : {"",
                                       " ",
                                       "-1",
                                       "1.5",
                                       "+1",
                                       "0x10",
                                       "1 ",
                                       "soon",
                                       "1, 2",
                                       "Sun, 06 Nov 1994 08:49:37",
                                       "06 Nov 1994 08:49:37 GMT",
                                       "Sun, 6 Nov 1994 08:49:37 GMT",
                                       "Sun, 31 Feb 1994 08:49:37 GMT",
                                       "Sun, 06 Nov 1994 24:00:00 GMT",
                                       "Sun, 06 Nov 1994 08:60:00 GMT",
                                       "Sun, 06 Nov 1994 08:49:37 UTC",
                                       "Sun, 06 Nov 1994 08:49:37 GMT ",
                                       "Sun, 06 Nov 94 08:49:37 GMT",
                                       "Sunday, 06-Nov-1994 08:49:37 GMT",
                                       "sun, 06 nov 1994 08:49:37 gmt",
                                       "Sun Nov 6 08:49:37 1994",
                                       "Sun Nov  6 08:49:37 94",
                                       "Sun, 00 Nov 1994 08:49:37 GMT"}) {
    CAPTURE(value);
    CHECK_FALSE(read(value).has_value());
  }
}

}  // namespace
