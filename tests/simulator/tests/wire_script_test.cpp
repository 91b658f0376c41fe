#include "simulator/model/wire_script.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace simulator;
using namespace std::chrono_literals;
using kind = step::kind;

namespace {

response plain(delivery how = {}) {
  return {.status = 200, .headers = {{"A", "b"}}, .body = "0123456789", .how = std::move(how)};
}

// Everything that is sent, an endless step once.
std::string sent(const wire_script& script) {
  std::string out;
  for (const auto& s : script.steps)
    for (std::uint64_t i = 0; i < (s.repeat == step::for_ever ? 1 : s.repeat); ++i) out += s.bytes;
  return out;
}

constexpr std::string_view honest = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 10\r\n\r\n0123456789";

}  // namespace

TEST_CASE("an honest answer is one write and keeps the connection") {
  const auto script = make_script(plain(), {});
  REQUIRE(script.steps.size() == 1);
  CHECK(script.steps[0].bytes == honest);
  CHECK(script.keep_alive);
}

TEST_CASE("a connection that ends says so, unless it is to end unannounced") {
  CHECK(sent(make_script(plain(), {.keep_alive = false})) ==
        "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789");
  CHECK(!make_script(plain({.close_afterwards = true}), {}).keep_alive);
  const auto unannounced = make_script(plain({.close_unannounced = true}), {});
  CHECK(sent(unannounced) == honest);
  CHECK(!unannounced.keep_alive);
}

TEST_CASE("an answer is cut after so many bytes, wherever that is") {
  for (std::size_t at = 0; at < honest.size(); ++at) {
    const auto script = make_script(plain({.cut_after = cut{cut_kind::reset, at}}), {});
    CHECK(sent(script) == honest.substr(0, at));
    CHECK(script.steps.back().what == kind::reset);
  }
  const auto later = make_script(plain({.cut_after = cut{cut_kind::close, 10000}}), {});
  CHECK(sent(later) == honest);
  CHECK(later.steps.back().what == kind::close);
}

TEST_CASE("a truncated body ends early under its full length") {
  const auto script = make_script(plain({.truncate_body_to = 4}), {});
  CHECK(sent(script) == "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 10\r\n\r\n0123");
  CHECK(script.steps.back().what == kind::close);
}

TEST_CASE("the announced length can be wrong in both directions") {
  CHECK(sent(make_script(plain({.content_length_error = 5}), {})).find("Content-Length: 15\r\n") != std::string::npos);
  CHECK(sent(make_script(plain({.content_length_error = -4}), {})).find("Content-Length: 6\r\n") != std::string::npos);
}

TEST_CASE("a body can be chunked, or end with the connection") {
  CHECK(sent(make_script(plain({.encoding = body_encoding::chunked}), {})) ==
        "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
  const auto open = make_script(plain({.encoding = body_encoding::until_close}), {});
  CHECK(sent(open) == "HTTP/1.1 200 OK\r\nA: b\r\nConnection: close\r\n\r\n0123456789");
  CHECK(!open.keep_alive);
}

TEST_CASE("a slow body comes in portions with a wait before each") {
  const auto script = make_script(plain({.slow_body = pace{.bytes = 4, .every = 20ms}}), {});
  REQUIRE(script.steps.size() == 7);
  CHECK(script.steps[1].what == kind::wait);
  CHECK(script.steps[1].duration == 20ms);
  CHECK(script.steps[2].bytes == "0123");
  CHECK(script.steps[6].bytes == "89");
  CHECK(sent(script) == honest);
}

TEST_CASE("interim answers, latency and garbage come as told") {
  const auto script = make_script(plain({.delay = 30ms, .informational = {102, 103}}), {});
  CHECK(script.steps[0].what == kind::wait);
  CHECK(script.steps[0].duration == 30ms);
  CHECK(sent(script) == "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + std::string{honest});
  const auto garbage = make_script(plain({.garbage = "what?"}), {});
  CHECK(sent(garbage) == "what?");
  CHECK(!garbage.keep_alive);
}

TEST_CASE("head and body can be larger than anybody wants, and the body endless") {
  const auto head = sent(make_script(plain({.head_padding = 100 * 1024}), {}));
  CHECK(head.find("\r\n\r\n") > 100 * 1024);
  CHECK(head.find("\r\n\r\n") < 110 * 1024);
  const auto body = sent(make_script(plain({.body_padding = 200 * 1024}), {}));
  CHECK(body.find("Content-Length: 204810\r\n") != std::string::npos);
  CHECK(body.size() - body.find("\r\n\r\n") - 4 == 204810);
  const auto endless = make_script(plain({.endless_body = true}), {});
  CHECK(endless.steps.back().repeat == step::for_ever);
  CHECK(sent(endless).find("Content-Length") == std::string::npos);
  const auto cut_short = make_script(plain({.cut_after = cut{cut_kind::stall, 200000}, .endless_body = true}), {});
  CHECK(sent(cut_short).size() == 200000);
}

TEST_CASE("an answer to HEAD has the length and no body, and a 303 with no body has length zero") {
  CHECK(sent(make_script(plain(), {.head_request = true})) == "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 10\r\n\r\n");
  CHECK(sent(make_script({.status = 303}, {})) == "HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n");
  CHECK(sent(make_script({.status = 204}, {})) == "HTTP/1.1 204 No Content\r\n\r\n");
}
