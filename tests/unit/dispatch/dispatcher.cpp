#include "dispatch/dispatcher.hpp"

#include "way_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using namespace std::chrono_literals;
using errors::effect;
using errors::problem;
using support::scripted_server;

TEST_CASE_FIXTURE(way_fixture, "an answer is delivered whatever its status, and the connection is used again") {
  server.then(scripted_server::answer(201, R"({"id":"1"})"));
  server.then(scripted_server::answer(422, "{}"));
  result first;
  create(first, R"({"language":"de"})");
  REQUIRE(first.delivered());
  CHECK(first.status() == 201);
  CHECK(first.space.answer.body == R"({"id":"1"})");
  result second;
  read(second);
  REQUIRE(second.delivered());
  CHECK(second.status() == 422);
  REQUIRE(server.requests.size() == 2);
  CHECK(server.requests[0].line == "POST /api/device-onboarding HTTP/1.1");
  CHECK(server.requests[0].authorization == "Bearer t1");
  CHECK(server.requests[0].body == R"({"language":"de"})");
  CHECK(server.requests[1].line == "GET /api/device-onboarding/497f6eca-6276-4993-bfeb-53cbbbba6f08 HTTP/1.1");
  CHECK(server.connections() == 1);
  CHECK(noted.exchanges == std::vector<unsigned>{201, 422});
}

TEST_CASE_FIXTURE(way_fixture, "what Podero says again of the token is not handed on") {
  server.then(scripted_server::answer(422, R"({"detail":"t1: sent as Bearer t1, with t"})"));
  result r;
  create(r);
  CHECK(r.space.answer.body == R"({"detail":"**: sent as Bearer **, with t"})");
}

TEST_CASE_FIXTURE(way_fixture, "a 401 costs one renewal and one retry") {
  token_works();
  server.then(scripted_server::answer(401, "{}"));
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create(r);
  CHECK(endpoint.asked == 2);
  CHECK(server.requests.size() == 1);
  advance(500ms);  // in which Podero may learn of the new one
  REQUIRE(r.delivered());
  CHECK(r.status() == 201);
  CHECK(r.space.stages.token == 500ms);
  REQUIRE(server.requests.size() == 2);
  CHECK(server.requests[1].authorization == "Bearer t2");
  CHECK(noted.repetitions == std::vector<std::string>{"unauthorized"});
}

TEST_CASE_FIXTURE(way_fixture, "a token that Podero does not know yet is tried once more a little later") {
  server.then(scripted_server::answer(401, "{}"));
  server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  result early;
  create(early);
  CHECK_FALSE(early.got.has_value());
  result other;
  create(other);  // is not kept from using it
  CHECK(other.status() == 201);
  advance(500ms);
  CHECK(early.status() == 201);
  REQUIRE(server.requests.size() == 3);
  CHECK(server.requests[2].authorization == "Bearer t1");
  advance(1min);
  CHECK(endpoint.asked == 1);
}

TEST_CASE_FIXTURE(way_fixture, "whoever was refused with a token goes on as soon as another has worked") {
  token_works();
  server.then(scripted_server::answer(401, "{}"));
  server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  result refused;
  create(refused);
  CHECK_FALSE(refused.got.has_value());
  result other;
  create(other);
  CHECK(other.status() == 201);
  CHECK(refused.status() == 201);
}

TEST_CASE_FIXTURE(way_fixture, "who has less time tries sooner, and who leaves does not try") {
  server.otherwise([](const auto&) { return scripted_server::answer(401, "{}"); });
  result hurried;
  create(hurried, "{}", 200ms);
  result left;
  create(left);
  leave(left);
  settle();
  CHECK(left.got.has_value());
  CHECK(server.requests.size() == 2);
  advance(100ms);
  CHECK(hurried.status() == 401);
  CHECK(server.requests.size() == 3);
}

TEST_CASE_FIXTURE(way_fixture,
                  "a 401 to the new token too is delivered, no third attempt is made, and nobody loses the token") {
  token_works();
  server.otherwise([](const auto&) { return scripted_server::answer(401, "{}"); });
  result r;
  create(r);
  advance(500ms);
  REQUIRE(r.delivered());
  CHECK(r.status() == 401);
  CHECK(server.requests.size() == 2);
  CHECK(endpoint.asked == 2);
  server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  result next;
  create(next);
  CHECK(next.status() == 201);
  CHECK(server.requests.back().authorization == "Bearer t2");
  advance(1min);
  CHECK(endpoint.asked == 2);
}

TEST_CASE_FIXTURE(way_fixture,
                  "what Podero refuses whatever the token takes nothing from others and costs few renewals") {
  token_works();
  server.otherwise(
      [](const auto& request) { return scripted_server::answer(request.body.contains("poison") ? 401 : 201, "{}"); });
  for (int i = 0; i < 600; ++i) {
    result poisoned;
    result good;
    create(poisoned, R"({"poison":1})");
    create(good);
    advance(100ms);
    CHECK(good.status() == 201);
    if (!poisoned.got) advance(900ms);
    CHECK(poisoned.status() == 401);
  }
  CHECK(server.requests.size() == 3 * 600);
  CHECK(endpoint.asked < 20);
}

TEST_CASE_FIXTURE(way_fixture,
                  "while Podero refuses every token each request is sent once, and the first that works ends it") {
  server.otherwise([](const auto&) { return scripted_server::answer(401, "{}"); });
  for (int i = 0; i < 10; ++i) {
    result r;
    create(r);
    advance(1s);
    CHECK(r.status() == 401);
  }
  CHECK(tokens.hopeless());
  const auto before = server.requests.size();
  result once;
  create(once);
  CHECK(once.status() == 401);
  CHECK(server.requests.size() == before + 1);
  server.then(scripted_server::answer(201, "{}"));
  result works;
  create(works);
  CHECK(works.status() == 201);
  CHECK_FALSE(tokens.hopeless());
}

TEST_CASE_FIXTURE(way_fixture, "an answer that does not come from the API proves no token") {
  for (const unsigned status : {429U, 503U}) {
    server.then(scripted_server::answer(status, ""));
    result r;
    read(r, 50ms);
    settle();
  }
  advance(2s);
  tokens.reject(1);
  settle();
  CHECK(tokens.usable() != nullptr);
  CHECK(endpoint.asked == 1);
}

TEST_CASE_FIXTURE(way_fixture, "refused credentials are upstream-unauthorized and nothing is sent") {
  endpoint.status = 401;
  token_works();
  tokens.reject(1);
  settle();
  result r;
  create_traced(r);
  CHECK(r.failure().id == problem::upstream_unauthorized);
  CHECK(span_of("token").end == "refused");
  CHECK(r.failure().detail.find("accounts.sandbox.token") != std::string::npos);
  CHECK(r.failure().detail.find("example-secret-not-real") == std::string::npos);
  CHECK(server.connections() == 0);
}

TEST_CASE_FIXTURE(way_fixture,
                  "a token endpoint that is away is upstream-unavailable, with the time of its next attempt") {
  endpoint.status = 503;
  advance(10s);  // it is not new any more, and has never worked
  tokens.reject(1);
  settle();
  result r;
  create(r);
  CHECK(r.failure().id == problem::upstream_unavailable);
  CHECK(r.failure().effect == effect::none);
  CHECK(r.failure().retry_after == 1s);
}

TEST_CASE_FIXTURE(way_fixture, "a token endpoint that asks to be left alone is, and callers are told how long") {
  endpoint.status = 429;
  endpoint.retry_after = 30s;
  advance(10s);
  tokens.reject(1);
  settle();
  CHECK(endpoint.asked == 2);
  advance(4500ms);
  result r;
  create(r);
  CHECK(r.failure().id == problem::upstream_unavailable);
  CHECK(r.failure().retry_after == 26s);
  advance(25s);
  CHECK(endpoint.asked == 2);
  advance(500ms);
  CHECK(endpoint.asked == 3);
}

TEST_CASE_FIXTURE(way_fixture, "a creation that was sent and lost is unknown and is not repeated") {
  server.then({.cut_at = 0});
  result r;
  create(r);
  CHECK(r.failure().id == problem::upstream_error);
  CHECK(r.failure().effect == effect::unknown);
  CHECK(errors::advice_of(r.failure()) == errors::retry::same_key);
  CHECK(server.requests.size() == 1);
  CHECK(noted.last_sent);
}

TEST_CASE_FIXTURE(way_fixture, "a creation whose answer breaks off at any byte is unknown and is not repeated") {
  const auto whole = scripted_server::answer(201, R"({"id":"1"})");
  for (std::size_t cut = 0; cut < whole.bytes.size(); ++cut) {
    CAPTURE(cut);
    const auto before = server.requests.size();
    auto broken = whole;
    broken.cut_at = cut;
    server.then(broken);
    result r;
    create(r);
    CHECK(r.failure().effect == effect::unknown);
    CHECK(server.requests.size() == before + 1);
  }
}

TEST_CASE_FIXTURE(way_fixture,
                  "a creation that is cut at any of its bytes after it was handed over is never made again") {
  server.then(scripted_server::answer(201, "{}"));
  result whole;
  create(whole);
  const auto length = server.requests[0].bytes.size();
  for (std::size_t cut = 1; cut <= length; ++cut) {
    CAPTURE(cut);
    server.then({.cut_request_at = cut});
    result r;
    create(r);
    // The server lacked part of it, but nobody on this side can know that.
    CHECK(r.failure().effect == effect::unknown);
    advance(1s);
    CHECK(server.requests.size() == 1);
  }
  CHECK(noted.repetitions.empty());
}

TEST_CASE_FIXTURE(way_fixture,
                  "a creation that did its work and then got a 5xx is unknown to its caller and made once") {
  for (const unsigned status : {500U, 502U, 503U, 504U}) {
    const auto before = server.requests.size();
    server.then(scripted_server::answer(status, "<html>"));
    result r;
    create(r);
    advance(1s);
    REQUIRE(r.delivered());
    CHECK(r.status() == status);
    CHECK(server.requests.size() == before + 1);
  }
}

TEST_CASE_FIXTURE(way_fixture, "a read that was sent and lost is repeated") {
  server.then({.cut_at = 0});
  server.then(scripted_server::answer(200, "{}"));
  result r;
  read(r);
  advance(1s);
  REQUIRE(r.delivered());
  CHECK(r.status() == 200);
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(way_fixture, "a read fails with effect none, also when it was sent every time") {
  server.otherwise([](const auto&) { return scripted_server::reply{.cut_at = 0}; });
  result r;
  read(r);
  advance(1s);
  advance(1s);
  CHECK(r.failure().id == problem::upstream_error);
  CHECK(r.failure().effect == effect::none);
  CHECK(server.requests.size() == 3);
}

TEST_CASE_FIXTURE(way_fixture, "silence after a creation is a time-out with effect unknown") {
  server.then({.silent = true});
  result r;
  create(r);
  advance(9s);
  CHECK_FALSE(r.got.has_value());
  advance(1s);
  CHECK(r.failure().id == problem::upstream_timeout);
  CHECK(r.failure().effect == effect::unknown);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(way_fixture, "an answer that is not HTTP is upstream-error and says so") {
  server.then({.bytes = "SSH-2.0-OpenSSH\r\n\r\n"});
  result r;
  create(r);
  CHECK(r.failure().id == problem::upstream_error);
  CHECK(r.failure().detail == "Podero's answer cannot be used: the answer is not HTTP/1.1.");
  CHECK(r.failure().effect == effect::unknown);
}

TEST_CASE_FIXTURE(way_fixture, "a 5xx to a creation is delivered, to a read it is repeated") {
  server.then(scripted_server::answer(503, "<html>"));
  result creation;
  create(creation);
  REQUIRE(creation.delivered());
  CHECK(creation.status() == 503);
  server.then(scripted_server::answer(503, "<html>"));
  server.then(scripted_server::answer(200, "{}"));
  result reading;
  read(reading);
  advance(1s);
  REQUIRE(reading.delivered());
  CHECK(reading.status() == 200);
}

TEST_CASE_FIXTURE(way_fixture,
                  "a connection that cannot be had is tried again, and then is upstream-error without effect") {
  server.refuse_connections(1);
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create(r);
  advance(1s);
  REQUIRE(r.delivered());
  CHECK(noted.connect_failures.size() == 1);
  pool.close_idle();
  settle();
  server.refuse_connections(100);
  result never;
  create(never);
  advance(1s);
  advance(1s);
  CHECK(never.failure().id == problem::upstream_error);
  CHECK(never.failure().effect == effect::none);
  CHECK(noted.connect_failures.size() == 4);
}

TEST_CASE_FIXTURE(way_fixture,
                  "the span of a connection that could not be had says why, that of one that was had does not") {
  server.refuse_connections(1);
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create_traced(r);
  advance(1s);
  REQUIRE(r.delivered());
  CHECK(span_of("connect").end == "unreachable");
  const auto second = span_of("connect");
  CHECK(second.name == "connect");
  CHECK(second.end.empty());
  const auto exchange = span_of("");
  CHECK(exchange.kind == trace::span_kind::client);
  CHECK(exchange.server.view() == "podero.test");
  CHECK(exchange.port == 443);
  pool.close_idle();
  settle();
  server.ignore_connections(100);
  result silent;
  create_traced(silent);
  for (int i = 0; i < 20; ++i) advance(1s);
  CHECK(span_of("connect").end == "timed_out");
}

TEST_CASE_FIXTURE(way_fixture, "a server that never shakes hands costs the connect time-out and is tried again") {
  server.ignore_connections(1);
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create(r);
  advance(2s);
  advance(1s);
  REQUIRE(r.delivered());
  CHECK(server.connections() == 2);
}

TEST_CASE_FIXTURE(way_fixture, "a failure after an answer does not show that answer's status") {
  server.then(scripted_server::answer(503, ""));
  server.otherwise([](const auto&) { return scripted_server::reply{.cut_at = 0}; });
  result r;
  read(r);
  advance(1s);
  advance(1s);
  CHECK(r.failure().id == problem::upstream_error);
  CHECK(r.status() == 0);
}

struct single_connection : way_fixture {
  single_connection() : way_fixture{{.connections = 1}} {}
};

TEST_CASE_FIXTURE(single_connection, "a creation whose answer would come too late for certain is not sent") {
  auto late = scripted_server::answer(201, "{}");
  late.silent = true;
  server.then(late);
  result first;
  create(first);
  result second;
  create(second, "2", 4200ms);
  advance(4s);
  server.step();
  settle();
  REQUIRE(first.delivered());
  CHECK(second.failure().id == problem::upstream_timeout);
  CHECK(second.failure().effect == effect::none);
  CHECK(second.failure().detail == "The request could not be sent to Podero in time.");
  CHECK(server.requests.size() == 1);
  CHECK(pool.count().busy == 0);
}

// With a pipe that is smaller than a TLS record, a creation stays half handed over for as long as nobody reads.
struct narrow_way : way_fixture {
  narrow_way() : way_fixture{{.capacity = 2048}} {}
  const std::string large = R"({"external_metadata":")" + std::string(40000, 'x') + R"("})";
};

TEST_CASE_FIXTURE(narrow_way,
                  "a stale connection under a creation that was not wholly sent is replaced by a fresh one") {
  server.then(scripted_server::answer(201, "{}"));
  server.then({.held = true});
  server.then(scripted_server::answer(201, "{}"));
  result warm_up;
  create(warm_up);
  REQUIRE(warm_up.delivered());
  result r;
  create(r, large);
  CHECK(server.connections() == 1);
  server.reset_all();
  settle();
  server.step();
  CHECK(noted.repetitions == std::vector<std::string>{"stale"});
  REQUIRE(r.delivered());
  CHECK(r.status() == 201);
  CHECK(server.connections() == 2);
  REQUIRE(server.requests.size() == 2);
  CHECK(server.requests[1].body == large);
}

TEST_CASE_FIXTURE(narrow_way, "a creation that never got its last byte out has had no effect") {
  for (int i = 0; i < 3; ++i) server.then({.cut_request_at = 1000});
  result r;
  create(r, large);
  advance(1s);
  advance(1s);
  CHECK(r.failure().id == problem::upstream_error);
  CHECK(r.failure().effect == effect::none);
  CHECK_FALSE(noted.last_sent);
  CHECK(server.connections() == 3);
  CHECK(server.requests.empty());
}

TEST_CASE_FIXTURE(narrow_way, "a server that stops reading is a time-out without effect") {
  for (int i = 0; i < 3; ++i) server.then({.held = true});
  result r;
  create(r, large);
  advance(15s);
  CHECK(r.failure().id == problem::upstream_timeout);
  CHECK(r.failure().effect == effect::none);
  CHECK(server.requests.empty());
}

}  // namespace
