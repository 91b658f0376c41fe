#include "node.hpp"
#include "store/redis_token.hpp"
#include "token/keeper.hpp"

#include <deque>
#include <thread>

namespace {

using namespace gateway;
using namespace gateway::store;
using namespace std::chrono_literals;
using outcome = token_search::outcome;

struct counting_endpoint final : token::endpoint {
  counting_endpoint(transport::loop& on, int& all) : loop{on}, asked{all} {}
  transport::task<std::expected<reply, std::string>> ask(secrets::secret, std::string_view, std::string_view) override {
    const auto number = std::to_string(++asked);
    const auto sent_at = loop.now();
    transport::parking place{loop.ready()};
    co_await place.wait(loop.deadlines(), loop.now() + takes);
    if (status != 200) co_return reply{status, R"({"error":"invalid_client"})", sent_at};
    co_return reply{200, R"({"access_token":"example-token-)" + number + R"(","expires_in":1000})", sent_at};
  }
  transport::loop& loop;
  int& asked;
  time::duration takes = 50ms;
  unsigned status = 200;
};

struct noting final : token::observer {
  void renewed(time::duration) override { ++own; }
  void failed(const token::trouble&) override { ++failures; }
  void adopted(time::duration) override { ++adoptions; }
  int own = 0;
  int failures = 0;
  int adoptions = 0;
};

redis_token_options options_of(time::duration lease = 15s) {
  return {.prefix = "test:",
          .account = "sandbox",
          .endpoint = "https://podero.test/oauth2/token/",
          .lease = lease,
          .failure = 1s,
          .timeout = 10s};
}

struct token_replica : node {
  struct wishes {
    std::string secret = "example-secret-not-real";
    redis_token_options options = options_of();
    time::duration clock_off_by{0};
    bool listens = false;
  };
  token_replica(const support::redis_server& server, int& asked, const wishes& w)
      : node{server, {.clock_off_by = w.clock_off_by, .listens = w.listens}, w.options.prefix},
        endpoint{loop, asked},
        shared{{.loop = loop, .client = client, .hints = told, .randomness = randomness, .options = w.options}},
        owner{"client-1", secrets::secret{w.secret}},
        keeper{{.home = loop,
                .endpoint = endpoint,
                .credentials = [this] { return token::credentials{owner.client_id, owner.client_secret}; },
                .options = {},
                .uniform = [] { return 0.5; },
                .observer = seen,
                .shared = &shared}},
        tokens{loop, keeper} {}

  std::string token() const { return tokens.usable() != nullptr ? std::string{tokens.usable()->token.reveal()} : ""; }
  token_search search(std::string known = {}, bool refused = false) {
    now();
    return result(shared.search(owner, std::move(known), refused));
  }
  std::string id(std::string_view text) { return shared.id_of(owner, secrets::secret{text}); }
  void keep(const token_search& by, std::string_view text, time::duration lifetime = 1000s) {
    done(shared.keep(owner, by.lease, secrets::secret{text}, lifetime));
  }

  counting_endpoint endpoint;
  redis_token shared;
  token_owner owner;
  noting seen;
  token::keeper keeper;
  token::view tokens;
};

struct three_replicas {
  three_replicas() {
    for (const auto off_by : {0h, 1000h, 5000h})
      all.emplace_back(server, asked, token_replica::wishes{.clock_off_by = off_by, .listens = off_by == 1000h});
  }
  bool until(const std::function<bool()>& is_so) {
    const auto end = std::chrono::steady_clock::now() + support::patience;
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > end) return false;
      for (auto& each : all) each.loop.turn();
      ::poll(nullptr, 0, 1);
    }
    return true;
  }
  bool all_have(std::string_view token) {
    for (const auto& each : all)
      if (each.token() != token) return false;
    return true;
  }

  support::redis_server server;
  int asked = 0;
  std::deque<token_replica> all;
};

TEST_CASE_FIXTURE(three_replicas, "three replicas starting at once make one token request") {
  for (auto& each : all) each.keeper.start();
  REQUIRE(until([&] { return all_have("example-token-1"); }));
  CHECK(asked == 1);
  for (auto& each : all) CHECK(each.seen.own + each.seen.adoptions == 1);
  // Each by its own clock, and none of them later than in truth.
  for (auto& each : all) {
    const auto left = each.tokens.usable()->expiry - each.now();
    CHECK(left <= 1000s);
    CHECK(left > 970s);
  }
  CHECK_FALSE(all_of(server).contains("example-token"));
  CHECK_FALSE(all_of(server).contains("client-1"));
}

TEST_CASE_FIXTURE(three_replicas, "a token that the API refuses to all of them is renewed once") {
  for (auto& each : all) each.keeper.start();
  REQUIRE(until([&] { return all_have("example-token-1"); }));
  for (auto& each : all) {
    each.tokens.accepted(each.tokens.usable()->generation);
    each.tokens.reject(each.tokens.usable()->generation);
  }
  REQUIRE(until([&] { return all_have("example-token-2"); }));
  CHECK(asked == 2);
}

TEST_CASE_FIXTURE(three_replicas, "who waits shares the failure, too") {
  for (auto& each : all) {
    each.endpoint.status = 401;
    each.keeper.start();
  }
  REQUIRE(until([&] { return all[0].seen.failures + all[1].seen.failures + all[2].seen.failures == 3; }));
  CHECK(asked == 1);
}

TEST_CASE_FIXTURE(three_replicas, "with Redis gone each renews for itself") {
  server.kill();
  for (auto& each : all) REQUIRE(each.until([&] { return !each.client.connected(); }));
  for (auto& each : all) each.keeper.start();
  REQUIRE(until([&] { return std::ranges::all_of(all, [](const auto& each) { return each.seen.own == 1; }); }));
  CHECK(asked == 3);
}

struct two_replicas {
  explicit two_replicas(time::duration lease = 15s)
      : here{server, asked, {.options = options_of(lease)}},
        there{server, asked, {.options = options_of(lease), .clock_off_by = 1000h}} {}
  support::redis_server server;
  int asked = 0;
  token_replica here;
  token_replica there;
};

TEST_CASE_FIXTURE(two_replicas, "one asks, the others wait, and find what came of it") {
  const auto mine = here.search();
  REQUIRE(mine.is == outcome::yours);
  const auto busy = there.search();
  REQUIRE(busy.is == outcome::busy);
  CHECK(busy.until <= there.now() + 15s);
  CHECK(busy.until > there.now());
  here.keep(mine, "example-token-1");
  const auto found = there.search();
  REQUIRE(found.is == outcome::found);
  CHECK(found.grant.token.reveal() == "example-token-1");
  CHECK(found.grant.lifetime == 1000s);
  CHECK(found.grant.id == there.id("example-token-1"));
  // Who has it already may ask for the next one.
  CHECK(there.search(there.id("example-token-1")).is == outcome::yours);
  CHECK(here.search().is == outcome::found);
}

TEST_CASE_FIXTURE(two_replicas, "only the refused token is taken away, and only while it is the present one") {
  here.keep(here.search(), "example-token-1");
  here.keep(here.search(here.id("example-token-1")), "example-token-2");
  CHECK(there.search(there.id("example-token-1"), true).grant.token.reveal() == "example-token-2");
  CHECK(there.search(there.id("example-token-2"), true).is == outcome::yours);
  CHECK(here.search().is == outcome::busy);
}

TEST_CASE("the lifetime counts from before it was asked for, however late it is written") {
  two_replicas in;
  const auto before = in.there.now();
  const auto mine = in.here.search();
  std::this_thread::sleep_for(100ms);
  in.here.keep(mine, "example-token-1", 400ms);
  const auto found = in.there.search();
  REQUIRE(found.is == outcome::found);
  CHECK(found.grant.expiry <= in.there.now() + 300ms);
  CHECK(found.grant.expiry >= before + 390ms);
  std::this_thread::sleep_for(310ms);
  CHECK(in.there.search().is == outcome::yours);
}

TEST_CASE("a lease whose holder died is taken over, and its late word changes nothing") {
  two_replicas in{50ms};
  const auto first = in.here.search();
  std::this_thread::sleep_for(60ms);
  const auto second = in.there.search();
  REQUIRE(second.is == outcome::yours);
  CHECK(second.lease.fence > first.lease.fence);
  in.here.keep(first, "example-token-late");
  in.there.keep(second, "example-token-2");
  in.here.done(in.here.shared.failed(in.here.owner, first.lease, true, "late", 0s));
  CHECK(in.here.search().grant.token.reveal() == "example-token-2");
}

TEST_CASE_FIXTURE(two_replicas, "a failure is shared for a moment, with its reason") {
  const auto mine = here.search();
  here.done(here.shared.failed(here.owner, mine.lease, true, "the token endpoint answered 401", 0s));
  const auto shared = there.search();
  REQUIRE(shared.is == outcome::failed);
  CHECK(shared.refused);
  CHECK(shared.reason == "the token endpoint answered 401");
  std::this_thread::sleep_for(1010ms);
  CHECK(there.search().is == outcome::yours);
}

TEST_CASE_FIXTURE(two_replicas, "a failure is shared for as long as the endpoint asks to be left alone") {
  const auto mine = here.search();
  here.done(here.shared.failed(here.owner, mine.lease, false, "the token endpoint answered 429", 30s));
  std::this_thread::sleep_for(1010ms);
  const auto shared = there.search();
  REQUIRE(shared.is == outcome::failed);
  CHECK_FALSE(shared.refused);
  CHECK(shared.until > there.now() + 28s);
  CHECK(shared.until < there.now() + 30s);
}

TEST_CASE_FIXTURE(two_replicas, "with another secret, client or endpoint it is another token") {
  here.keep(here.search(), "example-token-1");
  token_replica rotated{server, asked, {.secret = "example-rotated-not-real"}};
  CHECK(rotated.search().is == outcome::yours);
  auto elsewhere = options_of();
  elsewhere.endpoint = "https://other.test/oauth2/token/";
  token_replica beside{server, asked, {.options = elsewhere}};
  CHECK(beside.search().is == outcome::yours);
  there.owner.client_id = "client-2";
  CHECK(there.search().is == outcome::yours);
  CHECK(here.search().is == outcome::found);
}

TEST_CASE_FIXTURE(two_replicas, "a token that somebody changed is as none, and each asks for itself") {
  here.keep(here.search(), "example-token-1");
  server.ask({"EVAL",
              "for _,k in ipairs(redis.call('KEYS','*')) do if redis.call('TYPE',k).ok=='hash' then "
              "redis.call('HSET',k,'sealed','xyz') end end",
              "0"});
  CHECK(there.search().is == outcome::away);
}

}  // namespace
