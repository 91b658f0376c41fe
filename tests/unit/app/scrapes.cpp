#include "app/scrapes.hpp"

#include <doctest/doctest.h>

using namespace gateway;
using namespace std::chrono_literals;

namespace {
constexpr time::instant start{1h};
}

TEST_CASE("Who never came, or once, is not waited for") {
  app::scrapes seen;
  CHECK_FALSE(seen.expected(start, start));
  seen.scraped(start);
  CHECK_FALSE(seen.expected(start + 1s, start + 1s));
}

TEST_CASE("Who comes every fifteen seconds is waited for until it has come, or is overdue") {
  app::scrapes seen;
  seen.scraped(start);
  seen.scraped(start + 15s);
  CHECK(seen.expected(start + 20s, start + 20s));
  CHECK(seen.expected(start + 20s, start + 31s));
  CHECK_FALSE(seen.expected(start + 20s, start + 32s));
  seen.scraped(start + 30s);
  CHECK_FALSE(seen.expected(start + 20s, start + 30s));
}

TEST_CASE("Who comes every hour is not waited for") {
  app::scrapes seen;
  seen.scraped(start);
  seen.scraped(start + 1h);
  CHECK_FALSE(seen.expected(start + 1h + 1s, start + 1h + 1s));
}
