#include "telemetry/exporter.hpp"

#include <doctest/doctest.h>

#include "foundation/journal/sink.hpp"
#include "support/loop_fixture.hpp"
#include "support/scripted_server.hpp"

namespace gateway::telemetry {
namespace {

using namespace std::chrono_literals;
using support::scripted_server;

struct counting final : export_observer {
  void exported(std::size_t spans) override { accepted += spans; }
  void lost(std::size_t spans) override { gone += spans; }
  void tried(export_end how) override { ends.push_back(how); }
  std::size_t accepted = 0;
  std::size_t gone = 0;
  std::vector<export_end> ends;
};

// An exporter whose collector is behind TLS.
struct exporting : support::loop_fixture {
  exporting() { settle(); }
  ~exporting() {
    server.hang_up();
    settle();
    loop.abandon();
  }

  void put(int many) {
    for (int i = 0; i < many; ++i) {
      trace::span one;
      one.own = *trace::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
      one.name = "queue";
      queue.push(one);
    }
  }
  // In steps, as the exporter looks between them.
  void pass(time::duration how_long) {
    for (time::duration gone{0}; gone < how_long; gone += 100ms) advance(100ms);
    carry();
  }
  // Large bodies go through the memory between the two in pieces.
  void carry() {
    for (int i = 0; i < 50; ++i) settle();
  }
  static scripted_server::reply accepts() { return scripted_server::answer(200, "{}"); }

  scripted_server server{loop, support::serving(support::certificates().server)};
  support::one_address names;
  trace::span_queue queue{2048};
  counting seen;
  journal::memory_sink lines;
  journal::log log{lines, clock, {}};
  exporter it{{.net = {loop, server, names},
               .queues = {&queue},
               .from = {.version = "0", .instance = "i"},
               .log = log,
               .observer = seen},
              {.target = {.host = "podero.test",
                          .port = 4318,
                          .server_name = "podero.test",
                          .tls = support::trusting(support::certificates().authority)},
               .host_header = "podero.test:4318",
               .path = "/v1/traces",
               .timeout = 5s}};
};

}  // namespace

TEST_CASE_FIXTURE(exporting, "spans go out in batches over one connection with TLS, and are counted when accepted") {
  server.otherwise([](const auto&) { return accepts(); });
  it.start();
  put(3);
  pass(1200ms);
  put(1);
  pass(1200ms);
  REQUIRE(server.requests.size() == 2);
  CHECK(server.connections() == 1);
  CHECK(server.requests[0].line == "POST /v1/traces HTTP/1.1");
  CHECK(server.requests[0].bytes.contains("\r\nHost: podero.test:4318\r\n"));
  CHECK(server.requests[0].body.starts_with(R"({"resourceSpans":)"));
  CHECK(seen.accepted == 4);
  CHECK(seen.gone == 0);
  CHECK(lines.lines().empty());
}

TEST_CASE_FIXTURE(exporting, "nothing is sent where there is nothing to send, and no batch is larger than it may be") {
  server.otherwise([](const auto&) { return accepts(); });
  it.start();
  pass(5s);
  CHECK(server.connections() == 0);
  put(1500);
  pass(1200ms);
  CHECK(server.requests.size() == 3);
  CHECK(seen.accepted == 1500);
}

TEST_CASE_FIXTURE(exporting,
                  "a batch that the collector cannot take now is tried again, then given up, with two lines in all") {
  server.otherwise([](const auto&) { return scripted_server::answer(503, ""); });
  it.start();
  put(2);
  pass(20s);
  CHECK(server.requests.size() == 4);
  CHECK(seen.gone == 2);
  server.otherwise([](const auto&) { return accepts(); });
  put(1);
  pass(20s);
  CHECK(seen.accepted == 1);
  const auto said = lines.lines();
  REQUIRE(said.size() == 2);
  CHECK(said[0].contains("takes no spans"));
  CHECK(said[1].contains("takes spans again"));
}

TEST_CASE_FIXTURE(exporting, "a batch that is refused is lost at once and the next one is sent") {
  server.then(scripted_server::answer(400, ""));
  server.otherwise([](const auto&) { return accepts(); });
  it.start();
  put(2);
  pass(1200ms);
  CHECK(seen.gone == 2);
  put(1);
  pass(3s);
  CHECK(seen.accepted == 1);
}

TEST_CASE_FIXTURE(exporting, "a kept connection that the collector closed is replaced without a failure") {
  server.otherwise([](const auto&) { return accepts(); });
  it.start();
  put(1);
  pass(1200ms);
  server.close_all();
  settle();
  put(1);
  pass(3s);
  CHECK(seen.accepted == 2);
  CHECK(server.connections() == 2);
  CHECK(lines.lines().empty());
}

TEST_CASE_FIXTURE(exporting, "what the collector says that it did not take counts as lost") {
  server.then(scripted_server::answer(200, R"({"partialSuccess":{"rejectedSpans":"2"}})"));
  it.start();
  put(5);
  pass(1200ms);
  CHECK(seen.accepted == 3);
  CHECK(seen.gone == 2);
}

TEST_CASE_FIXTURE(exporting, "at the end what is queued is sent at once, and one failure is enough") {
  bool done = false;
  server.otherwise([](const auto&) { return accepts(); });
  it.start();
  put(700);
  it.finish(loop.now() + 2s, [&] { done = true; });
  carry();
  CHECK(done);
  CHECK(seen.accepted == 700);
}

TEST_CASE_FIXTURE(exporting, "at the end a collector that fails is not tried again") {
  bool done = false;
  server.otherwise([](const auto&) { return scripted_server::answer(503, ""); });
  it.start();
  put(700);
  it.finish(loop.now() + 2s, [&] { done = true; });
  carry();
  CHECK(done);
  CHECK(server.requests.size() == 1);
  CHECK(seen.gone == 700);
}

}  // namespace gateway::telemetry
