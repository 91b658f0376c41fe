#include "listener/server_timing.hpp"

#include <doctest/doctest.h>

namespace {

using namespace gateway;
using namespace std::chrono_literals;

std::string lines(const dispatch::stage_times& stages) {
  std::string out = "X-Request-Id: 1\r\n";
  listener::add_server_timing(out, stages);
  return out.substr(17);
}

TEST_CASE("what took time is one line, in milliseconds with two decimals, rounded down") {
  CHECK(lines({.queue = 1234567us, .token = {}, .connect = 0s, .upstream = 99999ns}) ==
        "Server-Timing: queue;dur=1234.56, connect;dur=0.00, upstream;dur=0.09\r\n");
  CHECK(lines({.queue = {}, .token = 60s, .connect = {}, .upstream = {}}) == "Server-Timing: token;dur=60000.00\r\n");
  CHECK(lines({.queue = time::duration::max(), .token = 5ms, .connect = 50us, .upstream = -1ms}) ==
        "Server-Timing: queue;dur=9223372036854.77, token;dur=5.00, connect;dur=0.05, upstream;dur=0.00\r\n");
}

TEST_CASE("how often a session is looked at is told in the same way") {
  std::string out;
  listener::add_poll_interval(out, 3005ms);
  CHECK(out == "Server-Timing: poll;desc=\"interval\";dur=3005.00\r\n");
}

TEST_CASE("where nothing took time there is no line") {
  CHECK(lines({}) == "");
}

}  // namespace
