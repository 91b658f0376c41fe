// Waits, the budget, the circuit and callers that leave, over the whole way.
#include "dispatch/dispatcher.hpp"
#include "foundation/transport/background.hpp"
#include "way_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using namespace std::chrono_literals;
using errors::effect;
using errors::problem;
using support::scripted_server;

// ---- waiting between attempts (the jitter stands at its middle: 75 ms, then 150 ms)

TEST_CASE_FIXTURE(way_fixture, "attempts are spaced by the back-off") {
  server.otherwise([](const auto&) { return scripted_server::answer(503, ""); });
  result r;
  read(r);
  CHECK(server.requests.size() == 1);
  advance(74ms);
  CHECK(server.requests.size() == 1);
  advance(1ms);
  CHECK(server.requests.size() == 2);
  advance(149ms);
  CHECK(server.requests.size() == 2);
  advance(1ms);
  CHECK(server.requests.size() == 3);
  REQUIRE(r.delivered());
  CHECK(r.status() == 503);
  CHECK(noted.repetitions == std::vector<std::string>{"server-error", "server-error"});
}

TEST_CASE_FIXTURE(way_fixture, "a 429 to a creation is no creation: the account pauses, and then it is sent again") {
  server.then(scripted_server::answer(429, "", "Retry-After: 3\r\n"));
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create(r);
  advance(2999ms);
  CHECK(server.requests.size() == 1);
  advance(1ms);
  REQUIRE(r.delivered());
  CHECK(r.status() == 201);
  CHECK(noted.repetitions == std::vector<std::string>{"rate-limited"});
  CHECK(noted.pauses == std::vector<time::duration>{3s});
}

TEST_CASE_FIXTURE(way_fixture, "what one request is told to wait, everybody waits") {
  server.then(scripted_server::answer(429, "", "Retry-After: 3\r\n"));
  server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  result first;
  create(first);
  result second;
  create(second, "{}", 2s);
  CHECK(second.failure().id == errors::problem::rate_limited);
  CHECK(second.failure().decision->guard == errors::guard::pause);
  CHECK(second.failure().retry_after == 3s);
  CHECK(second.failure().decision->admitted_at == "2024-08-23T00:00:03.000Z");
  result third;
  read(third);
  advance(2999ms);
  CHECK(server.requests.size() == 1);
  advance(1ms);
  CHECK(first.delivered());
  CHECK(third.delivered());
  CHECK(server.requests.size() == 3);
}

TEST_CASE_FIXTURE(way_fixture, "Retry-After as a date is judged by the wall clock") {
  server.then(scripted_server::answer(503, "", "Retry-After: Fri, 23 Aug 2024 00:00:05 GMT\r\n"));
  server.then(scripted_server::answer(200, "{}"));
  result r;
  read(r);
  advance(4999ms);
  CHECK(server.requests.size() == 1);
  advance(1ms);
  CHECK(r.delivered());
  CHECK(r.status() == 200);
}

TEST_CASE_FIXTURE(way_fixture, "a 429 whose wait outlives the request is its caller's, held to the longest pause") {
  server.then(scripted_server::answer(429, "", "Retry-After: 86400\r\n"));
  result r;
  create(r);
  CHECK(r.failure().id == errors::problem::rate_limited);
  CHECK(r.failure().effect == errors::effect::none);
  CHECK(r.failure().upstream_status == 429U);
  CHECK(r.failure().retry_after == 60s);
  CHECK(r.failure().decision->guard == errors::guard::pause);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(way_fixture, "what an earlier answer asked for does not outlive it") {
  server.then(scripted_server::answer(429, "", "Retry-After: 1\r\n"));
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create(r);
  advance(2s);
  REQUIRE(r.delivered());
  CHECK_FALSE(r.space.retry_after.has_value());
}

// ---- the budget

struct thrifty_way : way_fixture {
  thrifty_way() : way_fixture{{.budget = {.share = 0.1, .floor_per_second = 0}}} {}
};

TEST_CASE_FIXTURE(thrifty_way, "without budget nothing is repeated, and good requests bring it back") {
  server.then(scripted_server::answer(503, ""));
  result poor;
  read(poor);
  advance(1s);
  REQUIRE(poor.delivered());
  CHECK(poor.status() == 503);
  server.otherwise([](const auto&) { return scripted_server::answer(200, "{}"); });
  for (int i = 0; i < 9; ++i) {
    result good;
    read(good);
    REQUIRE(good.status() == 200);
  }
  server.then(scripted_server::answer(503, ""));
  result rich;
  read(rich);
  advance(1s);
  CHECK(rich.status() == 200);
}

TEST_CASE_FIXTURE(thrifty_way, "a renewed token draws on no budget") {
  token_works();
  server.then(scripted_server::answer(401, ""));
  server.then(scripted_server::answer(201, "{}"));
  result r;
  create(r);
  advance(500ms);
  REQUIRE(r.delivered());
  CHECK(r.status() == 201);
}

// ---- the circuit

struct breaking_way : way_fixture {
  breaking_way() : way_fixture{{.breaker_min_requests = 4}} {}

  void fail(int times) {
    for (int i = 0; i < times; ++i) {
      server.then(scripted_server::answer(500, ""));
      result r;
      create(r);
      REQUIRE(r.delivered());
    }
  }
};

TEST_CASE_FIXTURE(breaking_way,
                  "an upstream that fails is not asked for a while, probed once, and asked again when it answers") {
  fail(4);
  CHECK(noted.circuit == std::vector{circuit_state::open});
  CHECK(noted.circuit_reason == "answered 500");
  result refused;
  create(refused);
  CHECK(refused.failure().id == problem::upstream_unavailable);
  CHECK(refused.failure().effect == effect::none);
  CHECK(refused.failure().retry_after == 5s);
  REQUIRE(refused.failure().decision.has_value());
  CHECK(refused.failure().decision->guard == errors::guard::circuit);
  CHECK(refused.failure().decision->state == "open");
  CHECK(server.requests.size() == 4);

  advance(5s);
  server.then({.bytes = scripted_server::answer(201, "{}").bytes, .silent = true});
  result probe;
  create(probe);
  CHECK(server.requests.size() == 5);
  result meanwhile;
  create(meanwhile);
  CHECK(meanwhile.failure().decision->state == "half-open");
  CHECK(server.requests.size() == 5);
  server.step();
  settle();
  REQUIRE(probe.delivered());
  CHECK(noted.circuit == std::vector{circuit_state::open, circuit_state::closed});
  server.then(scripted_server::answer(201, "{}"));
  result after;
  create(after);
  CHECK(after.delivered());
}

TEST_CASE_FIXTURE(breaking_way, "refusals of ours and answers below 500 do not open it") {
  for (const unsigned status : {400U, 403U, 404U, 409U, 422U}) {
    server.then(scripted_server::answer(status, ""));
    result r;
    create(r);
    REQUIRE(r.delivered());
  }
  server.then(scripted_server::answer(429, "", "Retry-After: 1000\r\n"));
  result left_alone;
  create(left_alone);
  CHECK(left_alone.failure().upstream_status == 429);
  CHECK(health.state(loop.now()) == circuit_state::closed);
}

TEST_CASE_FIXTURE(breaking_way, "callers in a hurry do not open it, silence does") {
  server.otherwise([](const auto&) { return scripted_server::reply{.silent = true}; });
  for (int i = 0; i < 4; ++i) {
    result r;
    create(r, "{}", 1s);
    advance(1s);
    CHECK(r.failure().id == problem::upstream_timeout);
  }
  CHECK(health.state(loop.now()) == circuit_state::closed);
  result patient[4];
  for (auto& r : patient) create(r);
  advance(10s);
  CHECK(health.state(loop.now()) == circuit_state::open);
}

TEST_CASE_FIXTURE(breaking_way, "connections that cannot be had open it, and the retry then ends") {
  server.refuse_connections(100);
  result r;
  create(r);
  advance(1s);
  advance(1s);
  CHECK(r.failure().id == problem::upstream_error);
  result last;
  create(last);
  advance(1s);
  CHECK(last.failure().id == problem::upstream_unavailable);
  CHECK(noted.connect_failures.size() == 4);
}

TEST_CASE_FIXTURE(breaking_way, "a probe whose caller leaves in time says nothing, and the next request is the probe") {
  fail(4);
  advance(5s);
  server.reset_all();
  settle();
  server.ignore_connections(1);
  result leaving;
  create(leaving);
  CHECK(health.state(loop.now()) == circuit_state::half_open);
  leave(leaving);
  advance(2s);  // the pool gives the opening up
  server.then(scripted_server::answer(201, "{}"));
  result next;
  create(next);
  CHECK(next.delivered());
  CHECK(health.state(loop.now()) == circuit_state::closed);
}

// ---- callers that leave

struct one_connection : way_fixture {
  one_connection() : way_fixture{{.connections = 1}} {}
};

TEST_CASE_FIXTURE(way_fixture, "a caller that has left before anything was done costs nothing") {
  result r;
  r.caller.happen(loop.ready());
  create(r);
  CHECK(r.failure().id == problem::request_timeout);
  CHECK(r.failure().effect == effect::none);
  CHECK(server.connections() == 0);
}

TEST_CASE_FIXTURE(way_fixture, "a caller that leaves while the token is waited for costs no connection") {
  endpoint.held = true;
  token_works();
  tokens.reject(1);
  settle();
  result r;
  create(r);
  CHECK_FALSE(r.got.has_value());
  leave(r);
  CHECK(r.failure().id == problem::request_timeout);
  endpoint.release();
  settle();
  CHECK(server.connections() == 0);
}

TEST_CASE_FIXTURE(one_connection, "a caller that leaves the line for a connection leaves its place to the next") {
  server.then({.bytes = scripted_server::answer(201, "{}").bytes, .silent = true});
  server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  result busy;
  create(busy);
  result leaving;
  create(leaving, R"({"who":"leaving"})");
  result next;
  create(next, R"({"who":"next"})");
  leave(leaving);
  CHECK(leaving.failure().effect == effect::none);
  CHECK_FALSE(next.got.has_value());
  server.step();
  settle();
  CHECK(busy.delivered());
  CHECK(next.delivered());
  REQUIRE(server.requests.size() == 2);
  CHECK(server.requests[1].body == R"({"who":"next"})");
}

TEST_CASE_FIXTURE(one_connection, "a connection handed to a caller in the moment it leaves goes to the next") {
  server.then({.bytes = scripted_server::answer(201, "{}").bytes, .silent = true});
  server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  result busy;
  create(busy);
  result leaving;
  create(leaving, R"({"who":"leaving"})");
  result next;
  create(next, R"({"who":"next"})");
  server.step();
  leaving.caller.happen(loop.ready());
  settle();
  CHECK(leaving.got.has_value());
  CHECK(next.delivered());
  CHECK(pool.count().waiting == 0);
}

TEST_CASE_FIXTURE(
    way_fixture,
    "a caller that leaves while a connection is opened waits no longer; the opening is the pool's and ends by itself") {
  server.ignore_connections(1);
  result r;
  create(r);
  CHECK_FALSE(r.got.has_value());
  leave(r);
  CHECK(r.failure().id == problem::request_timeout);
  CHECK(connections.open() == 1);
  advance(2s);
  CHECK(connections.open() == 0);
}

TEST_CASE_FIXTURE(way_fixture, "a caller that leaves between two attempts gets no second one") {
  server.otherwise([](const auto&) { return scripted_server::answer(503, ""); });
  result r;
  read(r);
  leave(r);
  CHECK(r.got.has_value());
  advance(1s);
  CHECK(server.requests.size() == 1);
}

// ---- what is destroyed on its way, as when the gateway ends

struct ending_way : way_fixture {
  // Goes as far as it gets, and ends there.
  void cut_off(result& r, std::size_t caller) {
    call what;
    what.body = "{}";
    what.deadline = loop.now() + 15s;
    what.caller_index = caller;
    std::optional<transport::background> going;
    going.emplace(run(way, what, r));
    settle();
    going.reset();
    server.step();
    settle();
  }
};

TEST_CASE_FIXTURE(ending_way, "a creation that is destroyed after it was sent is told of, once and with its caller") {
  server.then({.silent = true});
  result r;
  cut_off(r, 1);
  CHECK(server.requests.size() == 1);
  CHECK(noted.abandoned_of == std::vector<std::size_t>{1});
}

TEST_CASE_FIXTURE(ending_way, "of what was not sent, or has ended, nothing is told") {
  SUBCASE("answered") {
    server.then(scripted_server::answer(201, "{}"));
  }
  SUBCASE("lost") {
    server.then({.cut_at = 0});
  }
  SUBCASE("no connection") {
    server.ignore_connections(1);
  }
  result r;
  cut_off(r, 1);
  CHECK(noted.abandoned_of.empty());
  advance(2s);
}

TEST_CASE_FIXTURE(way_fixture, "a creation that was sent is finished although its caller left, and is not repeated") {
  server.then({.bytes = scripted_server::answer(201, R"({"id":"1"})").bytes, .silent = true});
  result r;
  create(r);
  leave(r);
  CHECK_FALSE(r.got.has_value());
  server.step();
  settle();
  REQUIRE(r.delivered());
  CHECK(r.status() == 201);
  CHECK(r.space.answer.body == R"({"id":"1"})");
  CHECK(pool.count().idle == 1);
  CHECK(server.requests.size() == 1);
}

// ---- what is given back at a drain

struct one_busy_connection : one_connection {
  one_busy_connection() {
    server.then({.bytes = scripted_server::answer(201, "{}").bytes, .silent = true});
    server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
    create(busy);
  }
  void give_back() {
    domain.drain();
    settle();
  }
  result busy;
};

TEST_CASE_FIXTURE(one_busy_connection,
                  "at a drain who waits for a connection is told so at once, and it says nothing") {
  result waiting;
  create(waiting);
  result reading;
  read(reading);
  CHECK(pool.count().waiting == 2);
  give_back();
  for (const auto* one : {&waiting, &reading}) {
    CHECK(one->failure().id == problem::draining);
    CHECK(one->failure().effect == effect::none);
    CHECK(one->failure().decision->guard == errors::guard::draining);
  }
  CHECK(pool.count().waiting == 0);
  CHECK(noted.connect_failures.empty());
  CHECK_FALSE(busy.got.has_value());
  server.step();
  settle();
  CHECK(busy.delivered());
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(one_busy_connection, "a connection that comes as its request is given back serves nobody") {
  result waiting;
  create(waiting);
  server.step();
  give_back();
  CHECK(busy.delivered());
  CHECK(waiting.got.has_value());
  CHECK(pool.count().busy == 0);
  CHECK(pool.count().waiting == 0);
}

TEST_CASE_FIXTURE(way_fixture, "at a drain who waits for a token is told so at once") {
  endpoint.held = true;
  token_works();
  tokens.reject(1);
  settle();
  result waiting;
  create(waiting);
  CHECK_FALSE(waiting.got.has_value());
  domain.drain();
  settle();
  CHECK(waiting.failure().id == problem::draining);
  CHECK(waiting.failure().effect == effect::none);
  endpoint.release();
  settle();
  CHECK(server.connections() == 0);
}

// ---- who waits longer than whoever asked first

TEST_CASE_FIXTURE(one_busy_connection, "a call whose deadline moves waits for its connection until then") {
  call_control control{loop.now() + 3s, 0};
  result shared;
  call what;
  what.control = &control;
  start(run(way, what, shared));
  advance(1s);
  control.extend(loop.now() + 7s, 0);
  advance(2s);
  advance(1s);
  CHECK(pool.count().waiting == 1);
  server.step();
  settle();
  CHECK(shared.delivered());
  CHECK(noted.connect_failures.empty());
  CHECK(noted.repetitions.empty());
}

TEST_CASE_FIXTURE(one_busy_connection, "a full pool of ours at the moved deadline says nothing about Podero") {
  call_control control{loop.now() + 3s, 0};
  result shared;
  call what;
  what.control = &control;
  start(run(way, what, shared));
  advance(1s);
  control.extend(loop.now() + 4s, 0);
  advance(2s);
  CHECK_FALSE(shared.got.has_value());
  advance(2s);
  CHECK(shared.failure().id == problem::upstream_timeout);
  CHECK(shared.failure().effect == effect::none);
  CHECK(noted.connect_failures.size() == 1);
  CHECK(noted.repetitions.empty());
  server.step();
  settle();
}

}  // namespace
