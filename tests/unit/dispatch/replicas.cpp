// Keys where the records are shared with other replicas, and may be away.
#include "foundation/json/canonical.hpp"
#include "sharing_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using errors::effect;
using errors::guard;
using errors::problem;
using store::said;

struct shared_keys : sharing_fixture {
  shared_keys() : sharing_fixture{{.reuse = {}}} {}

  // Asks another replica, which has the records in common with this one and nothing else.
  asker& ask_there(const std::string& key, time::duration within = 15s) {
    auto& a = askers.emplace_back(*this);
    a.body = body_of();
    a.key = key;
    start(run(a, there, 0, within, true));
    return a;
  }
  void check_refused(const asker& a, std::string_view state) {
    CHECK(a.failure().id == problem::store_unavailable);
    CHECK(a.failure().effect == effect::none);
    CHECK(a.failure().retry_after == 1s);
    REQUIRE(a.failure().decision.has_value());
    CHECK(a.failure().decision->guard == guard::store);
    CHECK(a.failure().decision->state == state);
    CHECK(server.requests.empty());
  }

  onboarding::shared_sessions theirs{.limits = domain};
  onboarding::sessions there{{.loop = loop,
                              .way = way,
                              .answers = answers,
                              .shared = theirs,
                              .records = records,
                              .clock = clock,
                              .observer = seen,
                              .account = "sandbox",
                              .health = [] { return onboarding::upstream_view{}; }}};
};
struct shared_reuse : sharing_fixture {};

TEST_CASE_FIXTURE(shared_keys, "where the store is away a request with a key is refused, and one without is served") {
  records.away = true;
  check_refused(ask({.key = "k"}), "away");
  CHECK(ask().status() == 201);
}

TEST_CASE_FIXTURE(shared_keys, "what cannot be recorded as sent is not sent, and the key is free again") {
  for (const bool written : {false, true}) {
    CAPTURE(written);
    records.sending_says = said::away;
    records.written_all_the_same = written;
    check_refused(ask({.key = "k"}), "away");
    CHECK(memory.keys() == 0);
  }
  CHECK(records.releases == 2);
  records.sending_says.reset();
  CHECK(ask({.key = "k"}).status() == 201);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(shared_keys, "whoever lost its lease sends nothing") {
  records.sending_says = said::no;
  check_refused(ask({.key = "k"}), "the key's lease is over");
}

TEST_CASE_FIXTURE(shared_reuse, "who joins a flight that was sent gets its session only if the key's record says so") {
  for (const auto answer : {said::no, said::away}) {
    CAPTURE(static_cast<int>(answer));
    answer_late();
    auto& first = ask();
    const auto sent = server.requests.size();
    records.sending_says = answer;
    auto& second = ask({.key = "k"});
    records.sending_says.reset();
    CHECK(second.failure().id == problem::store_unavailable);
    CHECK(second.failure().effect == effect::none);
    CHECK(server.requests.size() == sent);
    say();
    CHECK(first.status() == 201);
    CHECK(memory.keys() == 0);
    advance(10min);
  }
}

TEST_CASE_FIXTURE(shared_keys, "an answer is given even where it cannot be recorded") {
  records.away_after_the_fact = true;
  CHECK(ask({.key = "k"}).status() == 201);
  // Until the lease of what was sent is over the others wait for it, then it is unknown.
  auto& second = ask_there("k", 5s);
  advance(5s);
  CHECK(second.failure().id == problem::idempotency_in_progress);
  advance(70s);
  CHECK(ask_there("k").failure().effect == effect::unknown);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(shared_keys, "whose own time ends after the first byte went out hears that it may have been done") {
  answer_late();
  auto& hurried = ask({.key = "k", .within = 2s});
  advance(2s);
  CHECK(hurried.failure().id == problem::upstream_timeout);
  CHECK(hurried.failure().effect == effect::unknown);
  auto& again = ask({.key = "k", .within = 2s});
  advance(2s);
  CHECK(again.failure().id == problem::idempotency_in_progress);
  CHECK(again.failure().effect == effect::unknown);
  say();
  CHECK(ask({.key = "k"}).status() == 201);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(shared_keys, "while one replica creates another one waits, and answers the same") {
  answer_late();
  auto& first = ask({.key = "k"});
  auto& second = ask_there("k");
  CHECK_FALSE(second.got.has_value());
  say();
  CHECK(first.status() == 201);
  for (int i = 0; i < 4 && !second.got; ++i) advance(250ms);
  CHECK(second.status() == 201);
  CHECK((*second.got)->replayed);
  CHECK(second.out == first.out);
  CHECK(server.requests.size() == 1);
}

TEST_CASE_FIXTURE(shared_keys, "it looks ever less often, but every second, and not beyond its time") {
  answer_late();
  auto& first = ask({.key = "k", .within = 20s});
  const auto began = loop.now();
  auto& second = ask_there("k", 3s);
  for (int i = 0; i < 12; ++i) advance(250ms);
  REQUIRE(second.got.has_value());
  CHECK(second.failure().id == problem::idempotency_in_progress);
  CHECK(second.failure().retry_after == 1s);
  CHECK(records.waits == std::vector{began + 250ms, began + 750ms, began + 1750ms, began + 2750ms, began + 3s});
  say();
  CHECK(first.status() == 201);
}

TEST_CASE_FIXTURE(shared_keys, "who comes while others wait for another replica may wait longer than they") {
  answer_late();
  auto& first = ask({.key = "k", .within = 20s});
  auto& hurried = ask_there("k", 1s);
  auto& patient = ask_there("k", 9s);
  advance(1s);
  CHECK(hurried.failure().id == problem::idempotency_in_progress);
  CHECK_FALSE(patient.got.has_value());
  say();
  for (int i = 0; i < 4 && !patient.got; ++i) advance(1s);
  CHECK(first.status() == 201);
  CHECK(patient.status() == 201);
}

TEST_CASE_FIXTURE(shared_keys, "nobody goes on waiting for another replica when everybody left") {
  answer_late();
  auto& first = ask({.key = "k", .within = 20s});
  auto& second = ask_there("k");
  second.leave();
  CHECK(second.failure().id == problem::request_timeout);
  const auto looked = records.claimed.size();
  advance(1s);
  CHECK(records.claimed.size() == looked);
  say();
  CHECK(first.status() == 201);
}

TEST_CASE_FIXTURE(shared_keys, "a replica that dies before sending is followed by another with all its time") {
  bool held = false;
  start([](sharing_fixture& self, bool& into) -> transport::task<> {
    auto body = body_of();
    auto claiming = self.memory.claim_key({0, "k"}, json::canonical_digest(body), self.loop.now() + 10s, {});
    const auto got = co_await std::move(claiming);
    into = got.is == store::claim::outcome::yours;
  }(*this, held));
  REQUIRE(held);
  auto& hurried = ask_there("k", 9s);
  auto& patient = ask_there("k", 15s);
  for (int i = 0; i < 44 && !patient.got; ++i) advance(250ms);
  CHECK(hurried.failure().id == problem::idempotency_in_progress);
  CHECK(patient.status() == 201);
  CHECK(server.requests.size() == 1);
  // To wait for others is not to wait for the store.
  CHECK(records.claimed.size() > 10);
  CHECK(records.spent == 20ms);
}

struct one_per_12_seconds : sharing_fixture {
  one_per_12_seconds()
      : sharing_fixture{
            {.reuse = {}, .way = {.limits = {.windows = {.sessions = {{.rate = 1, .per = 12s}}}, .max_wait = 2min}}}} {}
};

struct slow_reuse : sharing_fixture {
  slow_reuse()
      : sharing_fixture{{.way = {.limits = {.windows = {.sessions = {{.rate = 1, .per = 12s}}}, .max_wait = 2min}}}} {}
};

TEST_CASE_FIXTURE(slow_reuse, "a key that cannot be recorded fails alone, not those who ask for the same without it") {
  ask({.may_reuse = false});
  auto& without = ask({.within = 60s});
  auto& keyed = ask({.key = "k", .within = 60s});
  auto& other = ask({.key = "l", .within = 60s});
  CHECK(server.requests.size() == 1);
  records.sending_says = said::no;
  for (int i = 0; i < 13 && !without.got; ++i) advance(1s);
  records.sending_says.reset();
  CHECK(without.status() == 201);
  CHECK(keyed.failure().id == problem::store_unavailable);
  CHECK(keyed.failure().effect == effect::none);
  CHECK(other.failure().id == problem::store_unavailable);
  CHECK(server.requests.size() == 2);
  // The key is free, and gets the live session now.
  auto& again = ask({.key = "k"});
  CHECK(again.status() == 200);
  CHECK(server.requests.size() == 2);
}

TEST_CASE_FIXTURE(one_per_12_seconds,
                  "the lease of a claim is short and renewed, that of what is sent outlasts the background") {
  ask();
  const auto began = loop.now();
  auto& queued = ask({.key = "k", .within = 60s});
  CHECK(records.claimed == std::vector{began + 10s});
  for (int i = 0; i < 13 && !queued.got; ++i) advance(1s);
  CHECK(queued.status() == 201);
  CHECK(records.renewals == 3);
  REQUIRE(records.sent.size() == 1);
  CHECK(records.sent[0] - loop.now() == 75s);
  advance(20s);
  CHECK(records.renewals == 3);
}

}  // namespace
