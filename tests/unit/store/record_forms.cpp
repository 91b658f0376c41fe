#include "store/record_forms.hpp"

#include <doctest/doctest.h>

#include "store/polling.hpp"

namespace {

using namespace gateway::store;
using namespace std::chrono_literals;

TEST_CASE("an answer is written and read again, whatever bytes are in it") {
  const kept_answer answer{201, "s1", std::string{"{\"a\":\"4:\"}\0\n", 12}};
  const auto read = read_answer(written(answer));
  REQUIRE(read.has_value());
  CHECK(read->status == 201);
  CHECK(read->session == "s1");
  CHECK(read->body == answer.body);
}

TEST_CASE("a live session is written and read again, with its end or without") {
  const live_session with{
      .session = "s1", .upstream_body = "{}", .expires_at = std::chrono::sys_seconds{1'724'533'200s}};
  const live_session without{.session = "s1", .upstream_body = ""};
  CHECK(read_live(written(with))->expires_at == with.expires_at);
  CHECK(read_live(written(with))->upstream_body == "{}");
  CHECK_FALSE(read_live(written(without))->expires_at.has_value());
}

TEST_CASE("what is no record is read as nothing") {
  for (const auto* text : {"", "3", "3:", "3:20", "x:201", "3:2012:s1", "3:20x2:s12:{}", "3:2012:s12:{}1:x", "-1:2",
                           "99999999999999999999:2"})
    CHECK_FALSE(read_answer(text).has_value());
  for (const auto* text : {"", "2:s12:{}", "2:s12:{}1:x", "2:s12:{}0:0:"}) CHECK_FALSE(read_live(text).has_value());
}

TEST_CASE("one looks again ever less often, but every second") {
  polling pace;
  CHECK(pace.next() == 250ms);
  CHECK(pace.next() == 500ms);
  CHECK(pace.next() == 1s);
  CHECK(pace.next() == 1s);
}

}  // namespace
