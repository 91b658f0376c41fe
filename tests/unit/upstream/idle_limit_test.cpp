#include "upstream/idle_limit.hpp"

#include <doctest/doctest.h>

#include "upstream/demand.hpp"

namespace {

using namespace gateway;
using namespace gateway::upstream;
using namespace std::chrono_literals;

constexpr time::instant start{1h};

TEST_CASE("what the server says of idle connections is read from its Keep-Alive field") {
  const auto read = [](std::string_view value) {
    http::answer_head head;
    head.fields.add({http::field::keep_alive, "Keep-Alive", value});
    return kept_idle_for(head);
  };
  CHECK(read("timeout=5, max=100") == 5s);
  CHECK(read("max=100,Timeout = 72") == 72s);
  CHECK_FALSE(read("max=100").has_value());
  CHECK_FALSE(read("timeout=0").has_value());
  CHECK_FALSE(read("timeout=soon").has_value());
  CHECK_FALSE(read("timeout=-1").has_value());
  CHECK_FALSE(read("timeout=99999999999999999999").has_value());
  CHECK_FALSE(read("").has_value());
  CHECK_FALSE(kept_idle_for(http::answer_head{}).has_value());
}

TEST_CASE("without any news a connection may rest as long as configured") {
  CHECK(idle_limit{50s}.at(start) == 50s);
}

TEST_CASE("an announced limit is kept by a margin, and never exceeds the configured one") {
  idle_limit subject{50s};
  subject.advertised(5s);
  CHECK(subject.at(start) == 4s);
  subject.advertised(30s);
  CHECK(subject.at(start) == 27s);
  subject.advertised(1s);
  CHECK(subject.at(start) == 500ms);
  subject.advertised(300s);
  CHECK(subject.at(start) == 50s);
}

TEST_CASE("an age at which the server closed is believed at once, and doubted after ten minutes") {
  idle_limit subject{50s};
  subject.closed_after(15s, 3s, start);
  CHECK(subject.at(start) == 13500ms);
  CHECK(subject.at(start + 10min - 1s) == 13500ms);
  CHECK(subject.at(start + 10min) == 50s);
}

TEST_CASE("the same age again confirms it for hours") {
  idle_limit subject{50s};
  subject.closed_after(15s, 0s, start);
  subject.closed_after(15200ms, 0s, start + 11min);
  CHECK(subject.at(start + 11min) == 13500ms);
  CHECK(subject.at(start + 6h) == 13500ms);
  CHECK(subject.at(start + 11min + 6h) == 50s);
}

TEST_CASE("a limit below the one that was believed is learned too") {
  idle_limit subject{50s};
  subject.closed_after(15s, 0s, start);
  subject.closed_after(5s, 0s, start + 1min);
  CHECK(subject.at(start + 1min) == 4s);
}

TEST_CASE("a close while another connection has rested longer is no idle limit") {
  idle_limit subject{50s};
  subject.closed_after(5s, 20s, start);
  CHECK(subject.at(start) == 50s);
}

TEST_CASE("a restart closes all at once: its oldest connection counts") {
  idle_limit subject{50s};
  subject.closed_after(200ms, 0s, start);
  subject.closed_after(30s, 0s, start + 1ms);
  subject.closed_after(4s, 0s, start + 2ms);
  CHECK(subject.at(start) == 27s);
}

TEST_CASE("a connection that survived a longer rest refutes what was believed") {
  idle_limit subject{50s};
  subject.closed_after(5s, 0s, start);
  subject.survived(4s);
  CHECK(subject.at(start) == 4s);
  subject.survived(6s);
  CHECK(subject.at(start) == 50s);
}

TEST_CASE("a server that closes right after an answer has no idle limit to stay below") {
  idle_limit subject{50s};
  subject.closed_after(5ms, 0s, start);
  CHECK(subject.at(start) == 50s);
}

TEST_CASE("short limits have short margins") {
  idle_limit subject{50s};
  subject.closed_after(300ms, 0s, start);
  CHECK(subject.at(start) == 150ms);
}

TEST_CASE("the peak is remembered for a window and the one before it") {
  recent_peak subject{1min};
  CHECK(subject.at(start) == 0);
  subject.note(3, start);
  subject.note(8, start + 10s);
  subject.note(2, start + 20s);
  CHECK(subject.at(start + 59s) == 8);
  subject.note(1, start + 61s);
  CHECK(subject.at(start + 62s) == 8);
  subject.note(1, start + 122s);
  CHECK(subject.at(start + 122s) == 1);
  CHECK(subject.at(start + 300s) == 0);
}

TEST_CASE("connections are prepared up to what is ready at once and what the peak needed") {
  CHECK(connections_to_prepare({.idle = 0, .busy = 0, .peak = 10}, 2) == 2);
  CHECK(connections_to_prepare({.idle = 1, .busy = 3, .peak = 10}, 2) == 1);
  CHECK(connections_to_prepare({.idle = 1, .busy = 3, .connecting = 1, .peak = 10}, 2) == 0);
  CHECK(connections_to_prepare({.idle = 0, .busy = 0, .peak = 1}, 2) == 1);
  CHECK(connections_to_prepare({.idle = 0, .busy = 9, .peak = 10}, 2) == 1);
  CHECK(connections_to_prepare({.idle = 5, .busy = 9, .peak = 10}, 2) == 0);
  CHECK(connections_to_prepare({.peak = 0}, 2) == 0);
  CHECK(connections_to_prepare({.peak = 10}, 0) == 0);
  CHECK(connections_to_prepare({.waiting = 1, .peak = 10}, 2) == 0);
  CHECK(connections_to_prepare({.peak = 10, .reachable = false}, 2) == 0);
}

}  // namespace
