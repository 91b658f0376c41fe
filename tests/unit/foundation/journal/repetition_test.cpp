#include "foundation/journal/repetition.hpp"

#include <doctest/doctest.h>

using namespace gateway;
using namespace std::chrono_literals;

namespace {
constexpr time::instant start{1h};
}

TEST_CASE("the first event is said, those of the next ten seconds are counted and said as a number") {
  journal::repetition storm{10s};
  CHECK(storm.say(start));
  for (int i = 1; i <= 500; ++i) CHECK_FALSE(storm.say(start + i * 10ms));
  CHECK_FALSE(storm.due(start + 9s).has_value());
  CHECK(storm.due(start + 10s) == 500);
  CHECK_FALSE(storm.due(start + 11s).has_value());
}

TEST_CASE("while it goes on there is one line per interval") {
  journal::repetition storm{10s};
  int lines = 0;
  std::uint64_t told = 0;
  for (int second = 0; second < 60; ++second) {
    const auto now = start + second * 1s;
    for (int i = 0; i < 100; ++i)
      if (storm.say(now)) {
        ++lines;
        ++told;
      }
    if (const auto many = storm.due(now)) {
      ++lines;
      told += *many;
    }
  }
  CHECK(lines == 6);
  CHECK(told + 900 == 6000);  // the last 900 are told when their interval is over
  CHECK(storm.due(start + 60s) == 900);
}

TEST_CASE("what happens again after a quiet interval is said at once") {
  journal::repetition rare{10s};
  CHECK(rare.say(start));
  CHECK(rare.say(start + 10s));
  CHECK(rare.say(start + 1h));
  CHECK_FALSE(rare.due(start + 2h).has_value());
}

TEST_CASE("an event after the interval does not overtake the number of those before it") {
  journal::repetition storm{10s};
  CHECK(storm.say(start));
  CHECK_FALSE(storm.say(start + 1s));
  CHECK_FALSE(storm.say(start + 11s));  // nobody asked in between
  CHECK(storm.due(start + 11s) == 2);
}
