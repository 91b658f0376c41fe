#include "way_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using namespace std::chrono_literals;
using errors::guard;
using errors::problem;
using support::scripted_server;

// One creation per ten seconds, and a queue.
struct limited_way : way_fixture {
  explicit limited_way(time::duration max_wait = 30s)
      : way_fixture{{.limits = {.windows = {.sessions = {{1, 10s}}}, .max_wait = max_wait}}} {
    server.otherwise([](const auto&) { return scripted_server::answer(201, "{}"); });
  }
};

struct impatient_way : limited_way {
  impatient_way() : limited_way{0s} {}
};

struct patient_way : limited_way {
  patient_way() : limited_way{5min} {}
};

TEST_CASE_FIXTURE(limited_way, "a creation beyond its window waits for its instant, and holds nothing meanwhile") {
  result first;
  create(first, "1", 60s);
  REQUIRE(first.delivered());
  CHECK_FALSE(first.space.stages.queue.has_value());
  result second;
  create(second, "2", 60s);
  CHECK(pool.count().busy == 0);
  advance(9s);
  CHECK(pool.count().busy == 0);
  advance(500ms);
  CHECK(pool.count().busy == 1);  // its connection, shortly before its turn
  advance(499ms);
  CHECK(server.requests.size() == 1);
  advance(1ms);
  REQUIRE(second.delivered());
  CHECK(second.space.stages.queue == 10s);
  CHECK(noted.permits == std::vector<std::string>{"admitted", "queued"});
}

TEST_CASE_FIXTURE(impatient_way,
                  "a creation that cannot be admitted in time is refused at the door, with the instant") {
  result first;
  create(first, "1");
  advance(3s);
  result second;
  create(second, "2");
  CHECK(second.failure().id == problem::rate_limited);
  CHECK(second.failure().effect == errors::effect::none);
  CHECK(second.failure().retry_after == 7s);
  REQUIRE(second.failure().decision.has_value());
  CHECK(second.failure().decision->guard == guard::window);
  CHECK(second.failure().decision->limit == "sessions-10s");
  CHECK(second.failure().decision->admitted_at == "2024-08-23T00:00:10.000Z");
  CHECK(server.requests.size() == 1);
  CHECK(noted.permits == std::vector<std::string>{"admitted", "refused"});
  // Reads are not creations.
  result reading;
  read(reading);
  CHECK(reading.delivered());
}

TEST_CASE_FIXTURE(impatient_way, "an answer that says that nothing was created gives the creation's permit back") {
  for (const unsigned status : {400U, 404U, 409U, 422U}) {
    CAPTURE(status);
    server.then(scripted_server::answer(status, "{}"));
    result refused;
    create(refused, "1");
    CHECK(refused.status() == status);
  }
  result next;
  create(next, "2");
  CHECK(next.status() == 201);
  result late;
  create(late, "3");
  CHECK(late.failure().id == problem::rate_limited);
}

TEST_CASE_FIXTURE(impatient_way, "what may have been created keeps its permit") {
  server.then(scripted_server::answer(503, ""));
  result unknown;
  create(unknown, "1");
  CHECK(unknown.status() == 503);
  result next;
  create(next, "2");
  CHECK(next.failure().id == problem::rate_limited);
}

TEST_CASE_FIXTURE(limited_way, "who leaves the queue hands on") {
  result first;
  create(first, "1", 60s);
  result leaving;
  create(leaving, "2", 60s);
  result next;
  create(next, "3", 60s);
  advance(9900ms);
  leave(leaving);
  CHECK(leaving.failure().id == problem::request_timeout);
  advance(100ms);
  CHECK(next.delivered());
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(limited_way, "who has no connection when its turn comes keeps its place, and the next one goes") {
  result first;
  create(first, "1", 60s);
  pool.close_idle();
  settle();
  server.ignore_connections(1);
  result slow;
  create(slow, "2", 60s);
  advance(9800ms);
  result quick;
  create(quick, "3", 60s);
  CHECK_FALSE(quick.got.has_value());
  advance(200ms);
  // Nobody is ready: the window stays free for the first who is.
  CHECK(server.requests.size() == 1);
  server.reset_all();
  advance(3s);
  CHECK(server.requests.size() == 2);
  advance(10s);
  CHECK(slow.delivered());
  CHECK(quick.delivered());
}

TEST_CASE_FIXTURE(limited_way, "a request that is ready too early for too long lets others have its connection") {
  result first;
  create(first, "1", 60s);
  result second;
  create(second, "2", 60s);
  advance(9500ms);
  CHECK(pool.count().busy == 1);
  // A pause comes between.
  gate.pause(loop.now() + 20s);
  settle();
  advance(1100ms);
  CHECK(pool.count().busy == 0);
  CHECK(server.requests.size() == 1);
  advance(20s);
  CHECK(second.delivered());
}

TEST_CASE_FIXTURE(limited_way,
                  "a connection that is closed while its request waits for the turn is not used any more") {
  result first;
  create(first, "1", 60s);
  result second;
  create(second, "2", 60s);
  advance(9700ms);
  CHECK(pool.count().busy == 1);
  server.close_all();
  settle();
  advance(300ms);
  REQUIRE(second.delivered());
  CHECK(server.connections() == 2);
  CHECK(server.requests.size() == 2);
  CHECK(noted.repetitions == std::vector<std::string>{"stale"});
  CHECK(noted.exchanges == std::vector<unsigned>{201, 201});
}

TEST_CASE_FIXTURE(patient_way, "a connection that has rested too long while its request waits is not used any more") {
  result first;
  create(first, "1", 60s);
  gate.pause(loop.now() + 47900ms);
  result second;
  create(second, "2", 90s);
  advance(47300ms);
  CHECK(pool.count().idle == 1);
  advance(150ms);
  CHECK(pool.count().busy == 1);
  advance(450ms);  // of the 47.5 s that it may rest nothing is left
  REQUIRE(second.delivered());
  CHECK(server.connections() == 2);
  CHECK(noted.repetitions == std::vector<std::string>{"stale"});
}

TEST_CASE_FIXTURE(limited_way, "a server that closes what it has just accepted costs attempts, and no turn") {
  result first;
  create(first, "1", 60s);
  server.reset_all();
  settle();
  result second;
  create(second, "2", 60s);
  advance(9700ms);
  CHECK(server.connections() == 2);
  server.close_all();
  settle();
  advance(300ms);
  CHECK_FALSE(second.got.has_value());
  CHECK(noted.repetitions == std::vector<std::string>{"not-sent"});
  advance(75ms);
  REQUIRE(second.delivered());
  CHECK(server.connections() == 3);
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(limited_way, "the deadline of a call may move while it stands in the queue") {
  result first;
  create(first, "1", 60s);
  call_control control{loop.now() + 15s, 0};
  result moved;
  call what;
  what.body = "2";
  what.control = &control;
  start(run(way, what, moved));
  result ahead;
  create(ahead, "3", 60s);
  advance(1s);
  control.extend(loop.now() + 60s, 0);
  advance(9s);
  CHECK(moved.delivered());
  advance(10s);
  CHECK(ahead.delivered());
}

struct vetoing final : journey {
  transport::task<std::optional<errors::failure>> about_to_send() override {
    ++asked;
    if (!veto) co_return std::nullopt;
    errors::failure f;
    f.id = problem::store_unavailable;
    co_return f;
  }
  void had_no_effect() override { ++without_effect; }
  bool veto = false;
  int asked = 0;
  int without_effect = 0;
};

TEST_CASE_FIXTURE(impatient_way, "who watches a call may stop it before its first byte, and the permit goes back") {
  vetoing watch;
  watch.veto = true;
  result stopped;
  call what;
  what.body = "1";
  what.deadline = loop.now() + 15s;
  what.watch = &watch;
  start(run(way, what, stopped));
  CHECK(stopped.failure().id == problem::store_unavailable);
  CHECK(server.requests.empty());
  CHECK(pool.count().busy == 0);
  result next;
  create(next, "2");
  CHECK(next.delivered());
}

// Takes its time with the first.
struct dawdling final : journey {
  explicit dawdling(time::manual_clock& c) : clock{c} {}
  transport::task<std::optional<errors::failure>> about_to_send() override {
    if (asked++ == 0) clock.advance(2001ms);
    co_return std::nullopt;
  }
  void had_no_effect() override { ++without_effect; }
  time::manual_clock& clock;
  int asked = 0;
  int without_effect = 0;
};

// The server closes while the first is recorded.
struct closing final : journey {
  explicit closing(scripted_server& s) : server{s} {}
  transport::task<std::optional<errors::failure>> about_to_send() override {
    if (asked++ == 0) server.close_all();
    co_return std::nullopt;
  }
  void had_no_effect() override { ++without_effect; }
  scripted_server& server;
  int asked = 0;
  int without_effect = 0;
};

TEST_CASE_FIXTURE(impatient_way, "a connection that is closed while its request is recorded is not used any more") {
  result warm_up;
  read(warm_up);
  closing watch{server};
  result r;
  call what;
  what.body = "1";
  what.deadline = loop.now() + 15s;
  what.watch = &watch;
  start(run(way, what, r));
  settle();
  CHECK(r.status() == 201);
  CHECK(watch.asked == 2);
  CHECK(watch.without_effect == 1);
  CHECK(server.requests.size() == 2);
  CHECK(server.connections() == 2);
  CHECK(noted.repetitions == std::vector<std::string>{"stale"});
}

TEST_CASE_FIXTURE(impatient_way, "a permit whose time is over before its request goes is given back for another one") {
  dawdling watch{clock};
  result r;
  call what;
  what.body = "1";
  what.deadline = loop.now() + 15s;
  what.watch = &watch;
  start(run(way, what, r));
  settle();
  CHECK(r.status() == 201);
  CHECK(watch.asked == 2);
  CHECK(watch.without_effect == 1);
  CHECK(server.requests.size() == 1);
  CHECK(server.connections() == 1);  // nothing was written to it, so it is as good as before
  CHECK(noted.repetitions == std::vector<std::string>{"permit-over"});
}

TEST_CASE_FIXTURE(way_fixture, "who watches a call hears that it had no effect, each time before it is sent again") {
  vetoing watch;
  token_works();
  server.then(scripted_server::answer(401, "{}"));
  server.then(scripted_server::answer(201, "{}"));
  result r;
  call what;
  what.body = "1";
  what.deadline = loop.now() + 15s;
  what.watch = &watch;
  start(run(way, what, r));
  advance(500ms);
  CHECK(r.status() == 201);
  CHECK(watch.asked == 2);
  CHECK(watch.without_effect == 1);
}

}  // namespace
