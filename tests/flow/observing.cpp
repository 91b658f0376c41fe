// What is left of a request for those who operate the gateway: traces, lines of who did what, and few lines in a storm.
#include <doctest/doctest.h>

#include "flow/podero_world.hpp"

#include <set>

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

std::string create(std::string_view more_headers = "") {
  return example_creation(more_headers);
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

simulator::wire_script only(simulator::step::kind what) {
  return {.steps = {{.what = what}}, .keep_alive = false};
}

TEST_CASE("Podero gets the caller's trace with a span of ours, and nothing else of the caller's headers") {
  podero_world p;
  std::vector<std::vector<std::string>> came;
  p.look = [&](const simulator::request& r) {
    auto& one = came.emplace_back();
    for (const auto& name : {"traceparent", "tracestate", "baggage", "X-Request-Id"}) {
      const auto* found = simulator::find_header(r.headers, name);
      one.push_back(found == nullptr ? "" : *found);
    }
  };
  const std::string theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0";
  const auto created = p.w.ask(create("traceparent: " + theirs + "1\r\ntracestate: a=b\r\nbaggage: c=d\r\n"));
  REQUIRE(created.status == 201);
  p.w.ask("GET " + created.headers.at("location") + " HTTP/1.1\r\nHost: g\r\ntraceparent: " + theirs + "0\r\n\r\n");
  p.w.ask(create("traceparent: " + theirs + "1\r\ntraceparent: " + theirs + "1\r\n"));
  p.w.ask(create());
  REQUIRE(came.size() == 4);
  std::set<std::string> spans;
  for (const auto& one : came) {
    CAPTURE(one[0]);
    REQUIRE(trace::parse_traceparent(one[0]).has_value());
    spans.insert(std::string{trace::parse_traceparent(one[0])->span()});
    CHECK((one[1] + one[2] + one[3]) == "");
  }
  CHECK(spans.size() == 4);
  CHECK_FALSE(spans.contains("00f067aa0ba902b7"));
  const auto same = [&](std::size_t i) { return came[i][0].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"); };
  CHECK(same(0));
  CHECK(came[0][0].ends_with("-01"));
  CHECK(same(1));
  CHECK(came[1][0].ends_with("-00"));
  CHECK_FALSE(same(2));  // two of them count as none
  CHECK_FALSE(same(3));
  CHECK(has(p.w.logged(), R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736")"));
}

TEST_CASE("every session that is made has a line of who made it, with the key's fingerprint and never the key") {
  podero_world p;
  const auto created = p.w.ask(create("X-Request-Id: ticket-1\r\nIdempotency-Key: \"order-4711\"\r\n"));
  REQUIRE(created.status == 201);
  const auto location = created.headers.at("location");
  const auto logged = p.w.logged();
  const auto at = logged.find(R"("msg":"session created")");
  REQUIRE(at != std::string::npos);
  const auto line = logged.substr(at, logged.find('\n', at) - at);
  CHECK(has(line, R"("caller":"anonymous","account":"sandbox","effect":"created","session":")" +
                      location.substr(location.rfind('/') + 1) + R"(","key_fingerprint":")"));
  CHECK(line.starts_with(R"("msg":"session created","request_id":"ticket-1","trace_id":")"));
  CHECK(has(line, R"("audit":true)"));
  CHECK_FALSE(has(logged, "order-4711"));
  // Replayed: no session was made.
  p.w.ask(create("Idempotency-Key: \"order-4711\"\r\n"));
  CHECK(p.w.logged().find(R"("msg":"session created")", at + 1) == std::string::npos);
}

TEST_CASE("a session that may have been made has a line too, and audit lines do not depend on the level") {
  podero_world p{plain_configuration() + "log: { level: error }\n"};
  p.instead = only(simulator::step::kind::reset);
  const auto lost = p.w.ask(create("X-Request-Id: ticket-1\r\n"));
  CHECK(text_of(lost.body, "upstream_effect") == "unknown");
  CHECK(has(p.w.logged(), R"("msg":"session may have been created","request_id":"ticket-1","trace_id":)"));
  CHECK(p.w.ask(create("X-Request-Id: ticket-2\r\n")).status == 201);
  CHECK(has(p.w.logged(), R"("msg":"session created","request_id":"ticket-2","trace_id":)"));
}

TEST_CASE("a session that several get is on record with the request that asked first") {
  podero_world p{plain_configuration() + "    session_reuse: 10m\n"};
  CHECK(p.w.ask(create("X-Request-Id: ticket-1\r\n")).status == 201);
  CHECK(p.w.ask(create("X-Request-Id: ticket-2\r\n")).status == 200);
  CHECK(has(p.w.logged(), R"("msg":"session created","request_id":"ticket-1",)"));
  CHECK_FALSE(has(p.w.logged(), R"("msg":"session created","request_id":"ticket-2",)"));
}

TEST_CASE("a creation has one line, whoever asks for it again, with its key's fingerprint and what became of it") {
  podero_world p;
  p.instead = only(simulator::step::kind::reset);
  for (int i = 0; i < 3; ++i) p.w.ask(create("Idempotency-Key: order-4711\r\n"));
  const auto lines = [&](std::string_view text) {
    const auto logged = p.w.logged();
    int count = 0;
    for (auto at = logged.find(text); at != std::string::npos; at = logged.find(text, at + 1)) ++count;
    return count;
  };
  CHECK(p.creations() == 0);  // it broke off before
  CHECK(lines(R"("msg":"session may have been created")") == 1);
  CHECK(lines(R"("effect":"unknown","key_fingerprint":")") == 1);
  // Podero's answer says that it made one, and is of no use.
  p.next_answer = [](simulator::response& r) { r.body = R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08"})"; };
  CHECK(text_of(p.w.ask(create()).body, "upstream_effect") == "created");
  CHECK(lines(R"("effect":"created","session":"497f6eca-6276-4993-bfeb-53cbbbba6f08","audit":true)") == 1);
}

TEST_CASE("a request that is refused at once is logged with its method, and the account that its path names") {
  podero_world p{plain_configuration() + "callers: { portal: { key_sha256: [ " + std::string(64, 'a') +
                 " ], accounts: [ sandbox ] } }\n"};
  const auto ask = [&](std::string_view line) {
    p.w.ask(std::string{line} + " HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n");
    const auto logged = p.w.logged();
    const auto at = logged.rfind(R"("msg":"request")");
    REQUIRE(at != std::string::npos);
    return logged.substr(at, logged.find('\n', at) - at);
  };
  CHECK(has(ask("GET /v1/accounts/sandbox"),
            R"("account":"sandbox","route":"account","method":"GET","code":401,"problem":"unauthenticated")"));
  CHECK(has(ask("POST /v1/accounts/sandbox/nothing"),
            R"("account":"sandbox","route":"none","method":"POST","code":404,"problem":"not-found")"));
  const auto unknown = ask("BREW /v1/accounts/sandbux");
  CHECK(has(unknown, R"("route":"none","method":"other","code":)"));
  CHECK_FALSE(has(unknown, R"("account")"));
  // What anybody may send counts for no account.
  CHECK(has(p.w.metrics(), R"(requests_total{route="account",method="GET",code="401",caller="",account="",)"));
}

TEST_CASE("a caller that hangs up is counted and logged as such, whatever its request came to") {
  podero_world p{plain_configuration() +
                 "    limits: { sessions: [ { rate: 1, per: 10s } ], queue: { max_wait: 30s } }\n"};
  const auto leave_after = [&](const std::string& id, time::duration patience) {
    auto caller = p.w.connect();
    CHECK(caller.say(create("X-Request-Id: " + id + "\r\n")));
    p.w.settle();
    p.w.advance(patience);
    caller.leave();
    p.w.advance(2s);
    const auto logged = p.w.logged();
    const auto at = logged.find(R"("msg":"request","request_id":")" + id);
    REQUIRE(at != std::string::npos);
    return logged.substr(at, logged.find('\n', at) - at);
  };
  // Podero takes its time, and makes it.
  p.next_answer = [](simulator::response& r) { r.how.delay = 1s; };
  const auto made = leave_after("early", 300ms);
  CHECK(has(made, R"("code":201,"effect":"created","session":")"));
  CHECK(has(made, R"("caller_left":true,"duration_ms":)"));
  CHECK(has(p.w.logged(), R"("msg":"session created","request_id":"early")"));
  // It waits for its turn, and nothing was done: no request that did not arrive.
  const auto queued = leave_after("queued", 500ms);
  CHECK(has(queued, R"("code":499,"effect":"none","caller_left":true,)"));
  CHECK_FALSE(has(queued, "request-timeout"));
  CHECK(p.creations() == 1);
  CHECK(
      has(p.w.metrics(), R"(requests_abandoned_total{route="create_session",account="sandbox",caller="anonymous"} 2)"));
  CHECK(has(p.w.metrics(), R"(code="499",caller="anonymous",account="sandbox",problem=""} 1)"));
  CHECK_FALSE(has(p.w.metrics(), R"(code="408")"));
  // Who stays is not.
  p.w.advance(10s);
  CHECK(p.w.ask(create("X-Request-Id: stays\r\n")).status == 201);
  CHECK(has(p.w.metrics(), R"(caller="anonymous"} 2)"));
}

TEST_CASE("without audit there is none of these lines") {
  podero_world p{plain_configuration() + "log: { audit: false }\n"};
  CHECK(p.w.ask(create()).status == 201);
  CHECK_FALSE(has(p.w.logged(), "session created"));
}

TEST_CASE("a storm of failures is one line and then a number per interval") {
  podero_world p{plain_configuration() +
                 "    circuit_breaker: { min_requests: 100000 }\n    retries: { attempts: 1 }\n"};
  for (int i = 0; i < 50; ++i) {
    p.instead = only(simulator::step::kind::reset);
    p.w.ask(create());
  }
  const auto count = [&] {
    const auto logged = p.w.logged();
    int lines = 0;
    for (auto at = logged.find("upstream exchange failed"); at != std::string::npos;
         at = logged.find("upstream exchange failed", at + 1))
      ++lines;
    return lines;
  };
  CHECK(count() == 1);
  p.w.advance(10s);
  CHECK(count() == 2);
  CHECK(has(p.w.logged(), R"("times":49,"within_s":10)"));
  CHECK(has(p.w.metrics(), "onboarding_gateway_log_lines_summarised_total 49\n"));
}

TEST_CASE("Podero's 5xx are a storm that says what failed, and the circuit says why it opened") {
  podero_world p{plain_configuration() + "    circuit_breaker: { min_requests: 20 }\n    retries: { attempts: 1 }\n"};
  for (int i = 0; i < 20; ++i) {
    p.next_answer = [i](simulator::response& r) { r.status = i == 7 ? 503 : 500; };
    p.w.ask(create("X-Request-Id: r-" + std::to_string(i) + "\r\n"));
  }
  const auto logged = p.w.logged();
  CHECK(has(logged, R"("msg":"upstream exchange failed","account":"sandbox","operation":"create_session",)"
                    R"("reason":"answered 500","request_id":"r-0","trace_id":")"));
  CHECK(has(logged, R"("msg":"circuit open: Podero fails and is not asked for a while","account":"sandbox",)"
                    R"("reason":"answered 500"})"));
  p.w.advance(10s);
  CHECK(has(p.w.logged(), R"("operation":"create_session","reason":"answered 500",)"
                          R"x("reasons":"answered 500 (18), answered 503 (1)","request_id":"r-19","trace_id":")x"));
  CHECK(has(p.w.logged(), R"("times":19,"within_s":10})"));
}

TEST_CASE("the metrics say over what connections requests went, which guard refused whom, and what is left") {
  podero_world p{plain_configuration() +
                 "    limits: { sessions: [ { rate: 2, per: 1h } ], queue: { max_wait: 1s } }\n"};
  CHECK(p.w.ask(create()).status == 201);
  CHECK(p.w.ask(create()).status == 201);
  CHECK(p.w.ask(create()).status == 429);
  p.w.advance(200ms);  // gauges of the loop are set with its tick
  const auto page = p.w.metrics();
  const auto shows = [&](const std::string& sample) {
    CAPTURE(sample);
    CHECK(has(page, "\nonboarding_gateway_" + sample + "\n"));
  };
  shows(R"(requests_refused_total{account="sandbox",caller="anonymous",guard="window"} 1)");
  shows(R"(upstream_connection_uses_total{account="sandbox",connection="new"} 1)");
  shows(R"(upstream_connection_uses_total{account="sandbox",connection="reused"} 1)");
  shows(R"(upstream_handshakes_total{account="sandbox",resumption="full"} 1)");
  shows(R"(upstream_handshakes_total{account="sandbox",resumption="resumed"} 1)");
  shows(R"(upstream_idle_limit_seconds{account="sandbox"} 50)");
  shows(R"(token_generation{account="sandbox"} 1)");
  shows(R"(retry_budget_remaining{account="sandbox"} 1)");
  shows("draining 0");
  p.w.gateway->announce_drain();
  CHECK(has(p.w.metrics(), "\nonboarding_gateway_draining 1\n"));
}

}  // namespace
