// What leaves the gateway for a collector of traces, and that the collector costs no request anything.
#include "socket/collector.hpp"
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <algorithm>
#include <csignal>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using manner = collector::manner;

namespace {

constexpr std::string_view their_trace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view their_span = "00f067aa0ba902b7";
const std::string sampled = "traceparent: 00-" + std::string{their_trace} + "-" + std::string{their_span} + "-01\r\n";
const std::string not_sampled =
    "traceparent: 00-" + std::string{their_trace} + "-" + std::string{their_span} + "-00\r\n";

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

std::string attribute(const boost::json::object& span, std::string_view key) {
  for (const auto& one : span.at("attributes").as_array()) {
    if (one.at("key").as_string() != key) continue;
    const auto& value = one.at("value").as_object();
    return std::string{value.begin()->value().as_string()};
  }
  return "";
}

std::string text_of(const boost::json::object& span, std::string_view name) {
  const auto* const found = span.if_contains(name);
  return found == nullptr ? "" : std::string{found->as_string()};
}

std::vector<boost::json::object> of_kind(const std::vector<boost::json::object>& spans, int kind) {
  std::vector<boost::json::object> some;
  std::ranges::copy_if(spans, std::back_inserter(some), [kind](const auto& s) { return s.at("kind") == kind; });
  return some;
}

// What OTLP demands of every span.
void check_form(const boost::json::object& span) {
  CAPTURE(boost::json::serialize(span));
  CHECK(is_hex(text_of(span, "traceId"), 32));
  CHECK(is_hex(text_of(span, "spanId"), 16));
  if (span.contains("parentSpanId")) CHECK(is_hex(text_of(span, "parentSpanId"), 16));
  CHECK_FALSE(text_of(span, "name").empty());
  const auto began = std::stoll(text_of(span, "startTimeUnixNano"));
  const auto ended = std::stoll(text_of(span, "endTimeUnixNano"));
  const auto now = std::chrono::nanoseconds{std::chrono::system_clock::now().time_since_epoch()}.count();
  CHECK(began <= ended);
  CHECK(ended <= now);
  CHECK(began > now - 60'000'000'000);
}

double dropped(const running_gateway& of, const std::string& reason) {
  return of.metric("onboarding_gateway_trace_spans_dropped_total{reason=\"" + reason + "\"}");
}

double exported(const running_gateway& of) {
  return of.metric("onboarding_gateway_trace_spans_exported_total");
}

}  // namespace

TEST_CASE("A sampled request becomes a span below the caller's, with the exchange with Podero below it") {
  collector to;
  both_programs running{[&](auto& c) { c.more += to.yaml(", sample_ratio: 0.0"); }};
  auto caller = running.gateway.caller();
  create(caller, sampled + "tracestate: vendor=secret\r\nbaggage: user=secret\r\nX-Request-Id: r-1\r\n");
  create(caller, not_sampled);
  create(caller);
  REQUIRE(eventually([&] { return of_kind(to.spans(), 2).size() == 1 && of_kind(to.spans(), 3).size() == 1; }));
  const auto all = to.spans();
  for (const auto& span : all) {
    check_form(span);
    CHECK(text_of(span, "traceId") == their_trace);
  }
  const auto server = of_kind(all, 2).front();
  CHECK(text_of(server, "parentSpanId") == their_span);
  CHECK(text_of(server, "name") == "POST /v1/accounts/{account}/onboarding-sessions");
  CHECK(attribute(server, "url.path") == sessions_path);
  CHECK(attribute(server, "http.response.status_code") == "201");
  CHECK(attribute(server, "onboarding_gateway.request_id") == "r-1");
  const auto client = of_kind(all, 3).front();
  CHECK(text_of(client, "parentSpanId") == text_of(server, "spanId"));
  CHECK(attribute(client, "http.request.method") == "POST");
  CHECK(attribute(client, "http.response.status_code") == "201");
  // What was waited for on the way: the connection.
  const auto stages = of_kind(all, 1);
  REQUIRE(stages.size() >= 1);
  for (const auto& stage : stages) CHECK(text_of(stage, "parentSpanId") == text_of(server, "spanId"));
  CHECK(to.heads().starts_with("POST /v1/traces HTTP/1.1\r\n"));
  CHECK(to.heads().contains("Content-Type: application/json\r\n"));
  CHECK(eventually([&] { return exported(running.gateway) == static_cast<double>(all.size()); }));
  CHECK_FALSE(to.accepted_text().contains("secret"));
  // The access line has the same trace.
  running.gateway.process().signal(SIGTERM);
  REQUIRE(running.gateway.process().end() == 0);
  CHECK(running.gateway.process().output().contains("\"request_id\":\"r-1\",\"trace_id\":\"" +
                                                    std::string{their_trace} + "\""));
}

TEST_CASE("Of the traces that begin here, all are exported where the configuration says all") {
  collector to;
  both_programs running{[&](auto& c) { c.more += to.yaml(", sample_ratio: 1.0"); }};
  auto caller = running.gateway.caller();
  for (int i = 0; i < 20; ++i) create(caller);
  CHECK(eventually([&] { return of_kind(to.spans(), 2).size() == 20; }));
  for (const auto& span : to.spans()) check_form(span);
  for (const auto& span : of_kind(to.spans(), 2)) CHECK_FALSE(span.contains("parentSpanId"));
}

TEST_CASE("A collector that hangs, fails or is gone costs no request anything, and gets spans again when it is back") {
  for (const auto how : {manner::hangs, manner::refuses_with_500, manner::busy, manner::hangs_up}) {
    CAPTURE(static_cast<int>(how));
    collector to;
    to.behave(how);
    both_programs running{[&](auto& c) { c.more += to.yaml(", sample_ratio: 1.0, timeout: 200ms, queue: 64"); }};
    auto caller = running.gateway.caller();
    for (int i = 0; i < 100; ++i) {
      const auto began = std::chrono::steady_clock::now();
      create(caller);
      CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{2});
    }
    CHECK(eventually([&] { return to.asked() > 0; }));
    CHECK(eventually(
        [&] { return dropped(running.gateway, "queue_full") + dropped(running.gateway, "export_failed") > 0; }));
    to.behave(manner::accepts);
    CHECK(eventually([&] {
      create(caller);
      return exported(running.gateway) > 0;
    }));
    CHECK(running.gateway.process().line_with("the trace collector takes no spans").contains("\"level\":\"warn\""));
    running.gateway.process().line_with("the trace collector takes spans again");
  }
}

TEST_CASE("A collector that is not there at the start is found when it comes") {
  unsigned short port = 0;
  {
    const collector gone;
    port = gone.port();
  }
  both_programs running{[&](auto& c) {
    c.more +=
        "tracing: { endpoint: \"http://127.0.0.1:" + std::to_string(port) + "\", sample_ratio: 1.0, timeout: 200ms }\n";
  }};
  auto caller = running.gateway.caller();
  create(caller);
  running.gateway.process().line_with("the trace collector takes no spans");
  collector to{port};
  CHECK(eventually([&] { return !to.spans().empty(); }));
  CHECK(to.heads().starts_with("POST /v1/traces HTTP/1.1\r\n"));
}

TEST_CASE("What is queued at the end is exported before the process is gone") {
  collector to;
  both_programs running{[&](auto& c) { c.more += to.yaml(", sample_ratio: 1.0"); }};
  auto caller = running.gateway.caller();
  for (int i = 0; i < 10; ++i) create(caller);
  running.gateway.process().signal(SIGTERM);
  REQUIRE(running.gateway.process().end() == 0);
  CHECK(of_kind(to.spans(), 2).size() == 10);
}

TEST_CASE("A collector that hangs does not hold up the end") {
  collector to;
  to.behave(manner::hangs);
  both_programs running{[&](auto& c) { c.more += to.yaml(", sample_ratio: 1.0, timeout: 500ms"); }};
  auto caller = running.gateway.caller();
  create(caller);
  CHECK(eventually([&] { return to.asked() > 0; }));
  const auto began = std::chrono::steady_clock::now();
  running.gateway.process().signal(SIGTERM);
  CHECK(running.gateway.process().end() == 0);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds{5});
}
