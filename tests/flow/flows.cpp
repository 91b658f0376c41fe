// What happens between a caller and Podero, seen from both ends.
#include <doctest/doctest.h>

#include "flow/podero_world.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using namespace std::chrono_literals;

std::string create(std::string_view more_headers = "", std::string_view body = example_body) {
  return example_creation(more_headers, body);
}
std::string read(std::string_view location) {
  return "GET " + std::string{location} + " HTTP/1.1\r\nHost: g\r\n\r\n";
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

simulator::wire_script only(simulator::step::kind what) {
  return {.steps = {{.what = what}}, .keep_alive = false};
}

TEST_CASE("a session is created, read and seen to be completed") {
  podero_world p;
  const auto created = p.w.ask(create());
  REQUIRE(created.status == 201);
  const auto location = created.headers.at("location");
  CHECK(has(created.body, R"("state":"pending")"));
  CHECK(has(created.body, R"("heat_pump":"https://connect.podero.test/heat-pumps?onboarding_session_id=)"));
  CHECK(has(created.headers.at("server-timing"), "upstream;dur="));
  const auto seen = p.w.ask(read(location));
  CHECK(seen.status == 200);
  CHECK(seen.body == created.body);
  auto* session = p.podero.session_book().find(location.substr(location.rfind('/') + 1));
  REQUIRE(session != nullptr);
  CHECK(p.podero.complete(*session, {}, std::nullopt) == simulator::completion::done);
  CHECK(has(p.w.ask(read(location)).body, R"("state":"completed")"));
  CHECK(has(p.w.metrics(), R"(onboarding_gateway_sessions_total{account="sandbox",outcome="completed"} 1)"));
}

TEST_CASE("a thousand requests use one token request and no more connections than the pool allows") {
  podero_world p{plain_configuration() + "    pool: { max_connections: 4 }\n"};
  std::vector<support::memory_peer> callers;
  for (int i = 0; i < 20; ++i) callers.push_back(p.w.connect());
  int served = 0;
  for (int round = 0; round < 50; ++round) {
    for (auto& caller : callers) CHECK(caller.say(create()));
    p.w.settle();
    for (auto& caller : callers)
      if (const auto got = p.w.heard(caller); got && got->status == 201) ++served;
  }
  CHECK(served == 1000);
  CHECK(p.creations() == 1000);
  CHECK(p.token_requests() == 1);
  CHECK(p.w.upstream.connections() <= 5);  // the token's, and the pool's four
  for (auto& caller : callers) caller.leave();
}

TEST_CASE("a token that Podero revokes costs one renewal and no failed caller") {
  podero_world p;
  CHECK(p.w.ask(create()).status == 201);
  p.podero.token_book().revoke_all();
  CHECK(p.w.ask(create(), 500ms).status == 201);
  CHECK(p.token_requests() == 2);
  CHECK(p.creations() == 3);
  CHECK(has(p.w.metrics(), R"(onboarding_gateway_retries_total{account="sandbox",reason="unauthorized"} 1)"));
}

TEST_CASE("the token is used until it expires and renewed in the background before") {
  podero_world p;
  CHECK(p.w.ask(create()).status == 201);
  p.w.advance(25900s);
  CHECK(p.token_requests() == 1);
  p.w.advance(2900s);  // 80 % of ten hours, less a jitter
  CHECK(p.token_requests() == 2);
  const auto got = p.w.ask(create());
  CHECK(got.status == 201);
  CHECK_FALSE(has(got.headers.at("server-timing"), "token"));
}

TEST_CASE("two hundred callers at the moment of the token's expiry make one token request") {
  podero_world p;
  p.w.advance(10s);  // the token is not new any more
  p.podero.options().token_lifetime = 50s;
  p.podero.token_book().revoke_all();
  CHECK(p.w.ask(create(), 500ms).status == 201);
  CHECK(p.token_requests() == 2);
  std::vector<support::memory_peer> callers;
  for (int i = 0; i < 200; ++i) callers.push_back(p.w.connect());
  // Nothing ran since before the renewal was due: a machine that was asleep.
  p.w.clock.advance(51s);
  for (auto& caller : callers) CHECK(caller.say(create()));
  p.w.settle();
  int served = 0;
  for (auto& caller : callers)
    if (const auto got = p.w.heard(caller); got && got->status == 201) ++served;
  CHECK(served == 200);
  CHECK(p.token_requests() == 3);
  for (auto& caller : callers) caller.leave();
}

TEST_CASE("an upstream that dies opens the breaker, is probed singly, and is back with the first good probe") {
  podero_world p{plain_configuration() +
                 "    retries: { attempts: 1 }\n"
                 "    circuit_breaker: { window: 10s, min_requests: 20, failure_ratio: 0.5, open_for: 5s }\n"};
  CHECK(p.w.ask(create()).status == 201);
  bool dead = true;
  p.always = [&](simulator::response& r) {
    if (dead) r = {.status = 503};
  };
  int sent = 0;
  while (p.w.ask(create()).status == 502) REQUIRE(++sent < 100);
  CHECK(sent >= 19);
  CHECK(sent <= 30);
  const auto asked = p.creations();
  const auto refused = p.w.ask(create());
  CHECK(refused.status == 503);
  CHECK(text_of(refused.body, "guard") == "circuit");
  CHECK(text_of(refused.body, "upstream_effect") == "none");
  CHECK(refused.headers.at("retry-after") == "5");
  CHECK(p.creations() == asked);
  p.w.advance(5s);  // one probe, and it fails
  CHECK(p.w.ask(create()).status == 502);
  CHECK(p.w.ask(create()).status == 503);
  CHECK(p.creations() == asked + 1);
  dead = false;
  p.w.advance(5s);
  CHECK(p.w.ask(create()).status == 201);
  CHECK(p.w.ask(create()).status == 201);
}

TEST_CASE("silence after the request was sent is a time-out whose effect is unknown") {
  podero_world p;
  p.instead = only(simulator::step::kind::stall);
  auto caller = p.w.connect();
  CHECK(caller.say(create()));
  p.w.settle();
  p.w.advance(9999ms);
  CHECK_FALSE(p.w.heard(caller).has_value());
  p.w.advance(1ms);
  const auto got = p.w.heard(caller);
  REQUIRE(got.has_value());
  CHECK(got->status == 504);
  CHECK(has(got->body, R"("upstream_effect":"unknown","retry":"same-key")"));
  CHECK_FALSE(got->headers.contains("retry-after"));
  caller.leave();
}

TEST_CASE("a connection lost after the request was sent is not repeated; the caller's connection goes on") {
  for (const auto kind : {simulator::step::kind::close, simulator::step::kind::reset}) {
    podero_world p;
    p.instead = only(kind);
    auto caller = p.w.connect();
    CHECK(caller.say(create()));
    p.w.settle();
    const auto got = p.w.heard(caller);
    REQUIRE(got.has_value());
    CHECK(got->status == 502);
    CHECK(has(got->body, R"("upstream_effect":"unknown")"));
    CHECK(p.creations() == 0);
    CHECK(caller.say(create()));
    p.w.settle();
    CHECK(p.w.heard(caller)->status == 201);
    caller.leave();
  }
}

TEST_CASE("where nothing can be sent, nothing happened") {
  podero_world p;
  p.w.upstream.refuse(true);
  auto caller = p.w.connect();
  CHECK(caller.say(create()));
  auto got = p.w.heard(caller);
  for (int i = 0; i < 200 && !got; ++i) {
    p.w.advance(100ms);
    got = p.w.heard(caller);
  }
  REQUIRE(got.has_value());
  CHECK(got->status >= 502);
  CHECK(has(got->body, R"("upstream_effect":"none","retry":"later")"));
  caller.leave();
}

TEST_CASE("Prefer: wait bounds the whole answer") {
  podero_world p;
  p.instead = only(simulator::step::kind::stall);
  auto caller = p.w.connect();
  CHECK(caller.say(create("Prefer: respond-async, wait=3\r\n")));
  p.w.settle();
  p.w.advance(2999ms);
  CHECK_FALSE(p.w.heard(caller).has_value());
  p.w.advance(1ms);
  const auto got = p.w.heard(caller);
  REQUIRE(got.has_value());
  CHECK(got->status == 504);
  CHECK(got->headers.at("preference-applied") == "wait=3");
  caller.leave();
}

TEST_CASE("a wait that is longer than the account allows is named as it was applied") {
  podero_world p{plain_configuration() + "    timeouts: { total: 14500ms }\n"};
  CHECK(p.w.ask(create("Prefer: wait=99999999\r\n")).headers.at("preference-applied") == "wait=14");
  CHECK(p.w.ask(create("Prefer: reuse=no, wait=15\r\n")).headers.at("preference-applied") == "wait=14, reuse=no");
  CHECK(p.w.ask(create("Prefer: wait=14\r\n")).headers.at("preference-applied") == "wait=14");
}

TEST_CASE("what is left of the limits is said to whoever may use the account, also if its body is refused") {
  podero_world p{plain_configuration() + "    limits: { requests: [ { rate: 10, per: 10s } ] }\n" +
                 "overload: { max_in_flight: 1 }\n"};
  const auto post = [](std::string_view path, std::string_view framing) {
    return "POST " + std::string{path} + " HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\n" +
           std::string{framing};
  };
  const std::string sessions = "/v1/accounts/sandbox/onboarding-sessions";
  const auto check = [](const std::optional<answer>& got, unsigned status) {
    REQUIRE(got.has_value());
    CHECK(got->status == status);
    CHECK(got->headers.contains("ratelimit"));
    CHECK(got->headers.at("ratelimit-policy") == R"("requests-10s";q=10;w=10)");
  };
  check(p.w.ask(post(sessions, "Content-Length: 9999999\r\n\r\n")), 413);
  check(p.w.ask(post(sessions, "Transfer-Encoding: chunked\r\n\r\nffffff\r\n")), 413);
  check(p.w.ask(post(sessions, "Transfer-Encoding: chunked\r\n\r\nno size\r\n")), 400);
  check(p.w.ask(post("/v1/accounts/sandbox/users", "Content-Length: 9999999\r\n\r\n")), 413);
  const auto elsewhere = p.w.ask("GET /v1/accounts HTTP/1.1\r\nHost: g\r\nContent-Length: 9999999\r\n\r\n");
  CHECK(elsewhere.status == 413);
  CHECK_FALSE(elsewhere.headers.contains("ratelimit"));
  auto slow = p.w.connect();
  CHECK(slow.say(post(sessions, "Content-Length: 5\r\n\r\n{")));
  p.w.settle();
  p.w.advance(30s);
  check(p.w.heard(slow), 408);
  slow.leave();
  auto late = p.w.connect();
  CHECK(late.say(post(sessions, "Content-Length: 2\r\n\r\n{")));
  p.w.settle();
  p.instead = only(simulator::step::kind::stall);
  auto busy = p.w.connect();
  CHECK(busy.say(create()));
  p.w.settle();
  CHECK(late.say("}"));
  p.w.settle();
  check(p.w.heard(late), 503);
  late.leave();
  busy.leave();
}

TEST_CASE("credentials that are refused are the operator's business, and a new secret is picked up by itself") {
  podero_world p;
  CHECK(p.w.ask(create()).status == 201);
  p.w.environment->files["/t/secret"] = "example-wrong-secret-not-real";
  p.podero.token_book().revoke_all();
  auto refused = p.w.ask(create());
  CHECK(refused.status == 502);
  CHECK(has(refused.body, "/problems/upstream-unauthorized"));
  CHECK(has(refused.body, R"("upstream_effect":"none","retry":"operator")"));
  CHECK(has(refused.body, "accounts.sandbox.token"));
  CHECK(has(p.w.metrics(), R"(onboarding_gateway_account_ready{account="sandbox"} 0)"));
  p.w.environment->files["/t/secret"] = std::string{world::client_secret};
  p.w.advance(6s);
  CHECK(p.w.ask(create()).status == 201);
}

TEST_CASE("an account without a token is ready after its first attempt, and says so") {
  podero_world p{R"(
listeners: { api: { address: 127.0.0.1 } }
accounts:
  sandbox:
    base_url: https://podero.test/api/partners/v2.0
    token: { client_id: example-stranger, client_secret_file: /t/secret }
    tls: { ca_file: /t/ca.pem }
)"};
  const auto checks = p.w.gateway->ready();
  CHECK(admin::passing(checks));
  CHECK(has(admin::render(checks, true), "has no token"));
  p.w.gateway->announce_drain();
  CHECK_FALSE(admin::passing(p.w.gateway->ready()));
  CHECK(admin::passing(p.w.gateway->started()));
}

TEST_CASE("callers are known by their keys, see their own sessions only, and may use their accounts only") {
  // The keys are "example-key-one" and "example-key-two".
  podero_world p{plain_configuration() + R"(
callers:
  one: { accounts: [sandbox], key_sha256: [ fb70a93b69c9577a98c3bfa0924ccdc33cbca2988dd72a5ebee6512c0551e6fa ] }
  two: { accounts: [sandbox], key_sha256: [ 978dc54894a57a043a4cf1721269e00ecb87a78dd154a78bca36d0c212c0f720 ] }
)"};
  CHECK(p.w.ask(create()).status == 401);
  CHECK(p.w.ask(create("Authorization: Bearer example-key-three\r\n")).status == 401);
  const auto made = p.w.ask(create("Authorization: Bearer example-key-one\r\n"));
  REQUIRE(made.status == 201);
  const auto ask_as = [&](std::string_view key) {
    return p.w
        .ask("GET " + made.headers.at("location") + " HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer " +
             std::string{key} + "\r\n\r\n")
        .status;
  };
  CHECK(ask_as("example-key-one") == 200);
  CHECK(ask_as("example-key-two") == 404);
  CHECK(p.w.ask("GET /v1/accounts HTTP/1.1\r\nHost: g\r\nAuthorization: bearer example-key-two\r\n\r\n").body ==
        R"([{"name":"sandbox"}])");
}

TEST_CASE("a drain finishes what was sent and closes the rest") {
  podero_world p;
  CHECK(p.w.ask(create()).status == 201);
  auto idle = p.w.connect();
  p.instead = only(simulator::step::kind::stall);
  auto busy = p.w.connect();
  CHECK(busy.say(create()));
  p.w.settle();
  p.w.gateway->hand_back();
  p.w.gateway->drain(0);
  p.w.settle();
  CHECK_FALSE(idle.ended());  // it has only just connected, and may be about to ask
  p.w.advance(500ms);
  CHECK(idle.heard() == "");
  CHECK(idle.ended());
  CHECK_FALSE(p.w.gateway->drained());
  p.w.advance(10s);
  const auto got = p.w.heard(busy);
  REQUIRE(got.has_value());
  CHECK(got->headers.at("connection") == "close");
  busy.leave();
  p.w.settle();
  CHECK(p.w.gateway->drained());
}

TEST_CASE("paths, methods and headers outside the contract have their own problems, over one connection") {
  podero_world p;
  auto caller = p.w.connect();
  const auto ask = [&](std::string_view raw) {
    CHECK(caller.say(raw));
    p.w.settle();
    return p.w.heard(caller).value_or(answer{});
  };
  CHECK(ask(read("/nowhere")).status == 404);
  CHECK(ask(read("/v1/accounts/sandbox/onboarding-sessions")).headers.at("allow") == "POST, OPTIONS");
  const auto options = ask("OPTIONS /v1/accounts HTTP/1.1\r\nHost: g\r\nX-Request-Id: my-id\r\n\r\n");
  CHECK(options.headers.at("allow") == "GET, HEAD, OPTIONS");
  CHECK(options.headers.at("x-request-id") == "my-id");
  CHECK(ask(create("Accept: text/html\r\n")).status == 406);
  CHECK(ask(create("Accept: application/json;q=0, */*\r\n")).status == 406);
  CHECK(ask(create("Accept: application/problem+json;q=0, */*\r\n")).status == 201);
  CHECK(ask(create("Content-Encoding: gzip\r\n")).status == 415);
  CHECK(ask(read("/problems/rate-limited")).status == 200);
  CHECK(ask(read("/problems/rate")).status == 404);
  CHECK(ask(read("http://g/v1/accounts")).status == 200);
  CHECK(ask(create("", "{}")).status == 422);
  CHECK(ask(create("", "{")).status == 400);
  CHECK(ask(create()).status == 201);
  caller.leave();
}

TEST_CASE("HTTP/1.0 needs no host") {
  podero_world p;
  CHECK(p.w.ask("GET /v1/accounts HTTP/1.0\r\n\r\n").status == 200);
  CHECK(p.w.ask("GET /v1/accounts HTTP/1.1\r\n\r\n").status == 400);
}

TEST_CASE("a request id is kept where the rest of its head is too much") {
  podero_world p;
  const auto large = p.w.ask(
      "GET /v1/accounts HTTP/1.1\r\nHost: g\r\nX-Request-Id: my-id\r\nX: " + std::string(17'000, 'x') + "\r\n\r\n");
  CHECK(large.status == 431);
  CHECK(large.headers.at("x-request-id") == "my-id");
}

TEST_CASE("no secret and no token shows in logs, metrics or answers") {
  podero_world p;
  auto shown = p.w.ask(create()).body;
  p.podero.token_book().revoke_all();
  shown += p.w.ask(create(), 500ms).body;
  p.instead = only(simulator::step::kind::reset);
  shown += p.w.ask(create()).body;
  shown += p.w.metrics() + p.w.logged() + admin::render(p.w.gateway->ready(), true);
  CHECK(has(shown, "token renewed"));
  CHECK(has(shown, "\"route\":\"create_session\""));
  CHECK_FALSE(has(shown, world::client_secret));
  CHECK_FALSE(has(shown, "Basic "));
  CHECK_FALSE(has(shown, "Bearer "));
}

}  // namespace
