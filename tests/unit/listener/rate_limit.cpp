#include "listener/rate_limit.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using errors::guard;

constexpr time::instant now{1h};

std::string lines(std::vector<onboarding::window_state> windows) {
  std::string out;
  listener::add_rate_limits(out, windows, now);
  return out;
}

TEST_CASE("the policy and what is left of it, in the form of draft-10") {
  CHECK(lines({{"sessions-10s", guard::window, 1, 10s, 0, now + 7s, now + 6500ms},
               {"sessions-1h", guard::window, 30, 1h, 30, now, now}}) ==
        "RateLimit-Policy: \"sessions-10s\";q=1;w=10, \"sessions-1h\";q=30;w=3600\r\n"
        "RateLimit: \"sessions-10s\";r=0;t=7, \"sessions-1h\";r=30\r\n");
}

TEST_CASE("windows under a second are pacing, and not shown") {
  CHECK(lines({{"requests-250ms", guard::window, 5, 250ms, 5, now, now}}) == "");
  CHECK(lines({}) == "");
}

TEST_CASE("of several windows of one name the one with less left is shown") {
  CHECK(lines({{"sessions-1h", guard::window, 60, 1h, 50, now, now},
               {"sessions-1h", guard::window, 30, 1h, 2, now, now},
               {"caller-sessions-1h", guard::caller, 5, 1h, 5, now, now}}) ==
        "RateLimit-Policy: \"sessions-1h\";q=30;w=3600, \"caller-sessions-1h\";q=5;w=3600\r\n"
        "RateLimit: \"sessions-1h\";r=2, \"caller-sessions-1h\";r=5\r\n");
  CHECK(lines({{"a", guard::window, 1, 1h, 1, now, now}, {"a", guard::window, 2, 1h, 1, now, now}}) ==
        "RateLimit-Policy: \"a\";q=1;w=3600\r\nRateLimit: \"a\";r=1\r\n");
}

}  // namespace
