#include "foundation/time/http_date.hpp"

#include <doctest/doctest.h>

TEST_CASE("the date of RFC 9110's example is written as there") {
  using namespace std::chrono;
  const auto when = sys_days{year{1994} / 11 / 15} + 8h + 12min + 31s;
  CHECK(gateway::time::http_date(when) == "Tue, 15 Nov 1994 08:12:31 GMT");
}
