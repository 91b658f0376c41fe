#include "admin/admin.hpp"

#include <doctest/doctest.h>

#include "foundation/transport/memory.hpp"
#include "support/loop_fixture.hpp"
#include "support/memory_peer.hpp"

namespace {

using namespace gateway;

// The operators' listener, over one connection.
struct operators_fixture : support::loop_fixture {
  journal::memory_sink kept;
  journal::log log{kept, clock, {}};
  admin::handler pages{{.metrics = [] { return "the text"; },
                        .open_metrics = [] { return "the newer text"; },
                        .live = [] { return std::vector<admin::check>{{"loops", true, "all turn"}}; },
                        .ready = [] { return std::vector<admin::check>{{"draining", false, "it ends"}}; },
                        .started = [] { return std::vector<admin::check>{}; },
                        .status = [] { return R"({"status":true})"; },
                        .configuration = [] { return "threads: 1\n"; }},
                       log};
  random::seeded_source randomness{1};
  listener::server subject{loop, pages, {}, randomness};

  ~operators_fixture() { settle(); }

  std::string ask(std::string_view request) {
    auto [mine, theirs] = transport::memory_channel::make_pair(loop.ready(), 64 * 1024);
    subject.accept(std::move(theirs));
    support::memory_peer peer{std::move(mine)};
    CHECK(peer.say(request));
    settle();
    auto answer = peer.heard();
    peer.leave();
    settle();
    return answer;
  }
  std::string get(std::string_view target, std::string_view more = "") {
    return ask("GET " + std::string{target} + " HTTP/1.1\r\nHost: h\r\n" + std::string{more} + "\r\n");
  }
};

TEST_CASE_FIXTURE(operators_fixture, "a page is found by every target that means it") {
  for (const auto* target :
       {"/status", "/status?a=b", "http://h/status", "HTTPS://h:9090/status?a", "/%73tatus", "http://h/%73%74atus"}) {
    CAPTURE(target);
    const auto answer = get(target);
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    CHECK(answer.ends_with(R"({"status":true})"));
  }
  CHECK(get("http://h").contains("Content-Type: text/html"));
  CHECK(get("http://h/livez?verbose").contains("all turn"));
  CHECK_FALSE(get("/%6Civez").contains("all turn"));
  for (const auto* target : {"/nowhere", "/%2573tatus", "/%2Fstatus", "//status", "http://h/nowhere"})
    CHECK_MESSAGE(get(target).starts_with("HTTP/1.1 404 "), target);
}

TEST_CASE_FIXTURE(operators_fixture, "a check of a load balancer that speaks HTTP/1.0 and names no host is answered") {
  CHECK(ask("GET /livez HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
  CHECK(ask("GET /readyz HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 503 "));
  CHECK(ask("GET /readyz HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_CASE_FIXTURE(operators_fixture, "metrics come in the format that is wanted more") {
  const auto accepting = [&](std::string_view what) {
    return get("/metrics", "Accept: " + std::string{what} + "\r\n");
  };
  CHECK(get("/metrics").ends_with("the text"));
  CHECK(accepting("text/plain, application/openmetrics-text;q=0.1").ends_with("the text"));
  const auto open = accepting("text/plain;q=0.1, application/openmetrics-text;version=1.0.0");
  CHECK(open.ends_with("the newer text"));
  CHECK(open.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
}

}  // namespace
