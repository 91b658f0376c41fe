#include "telemetry/otlp.hpp"

#include <doctest/doctest.h>

using namespace gateway;
using namespace gateway::telemetry;
using namespace std::chrono_literals;

namespace {

constexpr time::instant now{1h};
constexpr time::wall_instant wall{std::chrono::sys_days{std::chrono::year{2026} / 1 / 2}};  // 1767312000 s

trace::context context_of(std::string_view traceparent) {
  return *trace::parse_traceparent(traceparent);
}

trace::span server_span() {
  trace::span one;
  one.own = context_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  one.parent = context_of("00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01").span_id;
  one.has_parent = true;
  one.kind = trace::span_kind::server;
  one.began = now - 30ms;
  one.ended = now - 10ms;
  one.method = "POST";
  one.route = "/v1/accounts/{account}/onboarding-sessions";
  one.status = 201;
  one.effect = "created";
  one.account = trace::short_text<64>{"sandbox"};
  one.caller = trace::short_text<64>{"portal"};
  one.session = trace::short_text<36>{"497f6eca-6276-4993-bfeb-53cbbbba6f08"};
  one.request_id = trace::short_text<128>{"r-1"};
  return one;
}

std::string rendered(const trace::span& one) {
  return render({&one, 1}, {.version = "0.1", .instance = "here:1"}, now, wall);
}

bool has(const std::string& text, std::string_view part) {
  return text.contains(part);
}

}  // namespace

TEST_CASE("the span of a request is these bytes") {
  CHECK(
      rendered(server_span()) ==
      R"({"resourceSpans":[{"resource":{"attributes":[)"
      R"({"key":"service.name","value":{"stringValue":"onboarding-gateway"}},)"
      R"({"key":"service.version","value":{"stringValue":"0.1"}},)"
      R"({"key":"service.instance.id","value":{"stringValue":"here:1"}}]},)"
      R"("scopeSpans":[{"scope":{"name":"onboarding-gateway"},"spans":[)"
      R"({"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":"b7ad6b7169203331",)"
      R"("name":"POST /v1/accounts/{account}/onboarding-sessions","kind":2,)"
      R"("startTimeUnixNano":"1767311999970000000","endTimeUnixNano":"1767311999990000000","attributes":[)"
      R"({"key":"http.request.method","value":{"stringValue":"POST"}},)"
      R"({"key":"http.route","value":{"stringValue":"/v1/accounts/{account}/onboarding-sessions"}},)"
      R"({"key":"url.path","value":{"stringValue":"/v1/accounts/sandbox/onboarding-sessions"}},)"
      R"({"key":"http.response.status_code","value":{"intValue":"201"}},)"
      R"({"key":"onboarding_gateway.account","value":{"stringValue":"sandbox"}},)"
      R"({"key":"onboarding_gateway.caller","value":{"stringValue":"portal"}},)"
      R"({"key":"onboarding_gateway.effect","value":{"stringValue":"created"}},)"
      R"({"key":"onboarding_gateway.session_id","value":{"stringValue":"497f6eca-6276-4993-bfeb-53cbbbba6f08"}},)"
      R"({"key":"onboarding_gateway.request_id","value":{"stringValue":"r-1"}}],"status":{}}]}]}]})");
}

TEST_CASE("a server's span is an error from 500 on, a client's from 400 on, or where there was no answer") {
  auto one = server_span();
  one.status = 429;
  CHECK(has(rendered(one), R"("status":{}})"));
  one.status = 503;
  CHECK(has(rendered(one), R"("status":{"code":2}})"));
  CHECK(has(rendered(one), R"({"key":"error.type","value":{"stringValue":"503"}})"));
  one.kind = trace::span_kind::client;
  one.status = 401;
  one.resend = 1;
  CHECK(has(rendered(one), R"("kind":3)"));
  CHECK(has(rendered(one), R"("status":{"code":2}})"));
  CHECK(has(rendered(one), R"({"key":"http.request.resend_count","value":{"intValue":"1"}})"));
  one.server = trace::short_text<128>{"app.podero.com"};
  one.port = 443;
  CHECK(has(rendered(one), R"({"key":"server.address","value":{"stringValue":"app.podero.com"}},)"
                           R"({"key":"server.port","value":{"intValue":"443"}},{"key":"error.type",)"));
  one.status = 0;
  one.end = "timed_out";
  CHECK(has(rendered(one), R"({"key":"error.type","value":{"stringValue":"timed_out"}})"));
  CHECK_FALSE(has(rendered(one), "http.response.status_code"));
}

TEST_CASE("a request whose caller left says so") {
  auto one = server_span();
  CHECK_FALSE(has(rendered(one), "caller_left"));
  one.caller_left = true;
  CHECK(has(rendered(one), R"({"key":"onboarding_gateway.caller_left","value":{"boolValue":true}}])"));
}

TEST_CASE("a path is shown only where it consists of what is known") {
  auto one = server_span();
  one.route = "/v1/accounts/{account}/onboarding-sessions/{id}";
  CHECK(has(rendered(one), R"("/v1/accounts/sandbox/onboarding-sessions/497f6eca-6276-4993-bfeb-53cbbbba6f08")"));
  one.session = {};
  CHECK_FALSE(has(rendered(one), "url.path"));
  one.route = "/problems/{name}";
  CHECK_FALSE(has(rendered(one), "url.path"));
  one.route = "";
  one.method = "_OTHER";
  CHECK(has(rendered(one), R"("name":"HTTP")"));
}

TEST_CASE("a stage is an internal span with its name, and without a parent it says none") {
  trace::span one;
  one.own = context_of("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  one.name = "queue";
  one.began = one.ended = now;
  const auto text = rendered(one);
  CHECK(has(text, R"("spanId":"00f067aa0ba902b7","name":"queue","kind":1,)"));
  CHECK(has(text, R"("attributes":[],"status":{}})"));
  one.end = "unreachable";
  CHECK(has(rendered(one),
            R"("attributes":[{"key":"error.type","value":{"stringValue":"unreachable"}}],"status":{"code":2}})"));
}

TEST_CASE("whatever stands in a text, the document stays JSON") {
  auto one = server_span();
  one.caller = trace::short_text<64>{"a\"b\\c\n"};
  CHECK(has(rendered(one), R"("stringValue":"a\"b\\c\n")"));
}

TEST_CASE("a collector that takes a part says how many it did not take") {
  CHECK(rejected_spans("{}") == 0);
  CHECK(rejected_spans("") == 0);
  CHECK(rejected_spans("<html>") == 0);
  CHECK(rejected_spans(R"({"partialSuccess":{}})") == 0);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}})") == 3);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":4}})") == 4);
  CHECK(rejected_spans(R"({"partialSuccess":{"rejectedSpans":[1]}})") == 0);
}
