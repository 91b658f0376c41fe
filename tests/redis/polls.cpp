// What replicas tell each other of sessions that callers wait for.
#include "node.hpp"
#include "store/redis_polls.hpp"

namespace {

using namespace gateway;
using namespace gateway::store;
using namespace std::chrono_literals;
using outcome = poll_turn::outcome;

constexpr auto session = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
constexpr auto body = R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","object_id":null})";

redis_polls_options options_of(time::duration lease = 15s) {
  return {.prefix = "test:", .account = "sandbox", .lease = lease, .timeout = 10s};
}

struct poll_replica : node {
  explicit poll_replica(const support::redis_server& server, bool listens = false,
                        redis_polls_options how = options_of(), std::string_view secret = "example-secret-not-real")
      : node{server, {.listens = listens}, "test:"},
        polls{{.loop = loop,
               .client = client,
               .hints = told,
               .randomness = randomness,
               .seals = std::make_shared<const sealing>(secrets::secret{secret}, redis_polls::purpose),
               .options = std::move(how)}} {}

  poll_turn begin(std::uint64_t known = 0, time::duration interval = 1h) {
    now();
    return result(polls.begin(session, known, interval));
  }
  std::uint64_t end(std::uint64_t turn, std::optional<std::string> with = body) {
    return result(polls.ended(session, turn, std::move(with)));
  }

  redis_polls polls;
};

TEST_CASE("one of two replicas polls, and the other one learns what it saw") {
  support::redis_server server;
  poll_replica one{server};
  poll_replica other{server};
  const auto turn = one.begin();
  REQUIRE(turn.is == outcome::yours);
  const auto meanwhile = other.begin();
  REQUIRE(meanwhile.is == outcome::later);
  // Well before the lease's end: that the other one is done may be heard of late, or never.
  CHECK(meanwhile.again > other.loop.now() + 100ms);
  CHECK(meanwhile.again <= other.loop.now() + 1s);
  CHECK(one.end(turn.number) == turn.number);
  const auto seen = other.begin();
  REQUIRE(seen.is == outcome::found);
  CHECK(seen.upstream_body == body);
  CHECK(seen.number == turn.number);
  CHECK(seen.age < 5s);
  // Both know it now: nobody asks before its time.
  CHECK(other.begin(seen.number).is == outcome::later);
  CHECK(one.begin(turn.number).is == outcome::later);
  CHECK(one.begin(turn.number, 0s).is == outcome::yours);
}

TEST_CASE("the other one hears at once that there is something to learn") {
  support::redis_server server;
  poll_replica one{server};
  poll_replica other{server, true};
  const auto turn = one.begin();
  bool heard = false;
  other.now();
  const transport::background waits{[](poll_replica& who, bool& done) -> transport::task<> {
    auto waiting = who.polls.changed(session, who.loop.now() + 1h);
    done = co_await std::move(waiting);
  }(other, heard)};
  one.end(turn.number);
  CHECK(other.until([&] { return heard; }));
}

TEST_CASE("where the server lets nobody publish, the other one learns it all the same: when it looks") {
  support::redis_server server;
  server.ask({"ACL", "SETUSER", "default", "resetchannels"});
  poll_replica one{server};
  poll_replica other{server};
  const auto turn = one.begin();
  REQUIRE(turn.is == outcome::yours);
  CHECK(one.end(turn.number) == turn.number);
  const auto seen = other.begin();
  REQUIRE(seen.is == outcome::found);
  CHECK(seen.upstream_body == body);
}

TEST_CASE("a replica that dies at it is followed by another one, and says nothing any more") {
  support::redis_server server;
  poll_replica dies{server, false, options_of(50ms)};
  poll_replica other{server, false, options_of(50ms)};
  const auto lost = dies.begin();
  REQUIRE(lost.is == outcome::yours);
  std::optional<poll_turn> next;
  CHECK(other.until([&] {
    next = other.begin();
    return next->is == outcome::yours;
  }));
  CHECK(next->number > lost.number);
  CHECK(dies.end(lost.number) == 0);
  CHECK(other.end(next->number) == next->number);
}

TEST_CASE("a poll without an answer leaves nothing to learn, and nobody repeats it at once") {
  support::redis_server server;
  poll_replica one{server};
  poll_replica other{server};
  CHECK(one.end(one.begin().number, std::nullopt) == 0);
  CHECK(other.begin().is == outcome::later);
  CHECK(other.begin(0, 0s).is == outcome::yours);
}

TEST_CASE("what is kept can be read only with the account's secret, and a completion is counted once") {
  support::redis_server server;
  poll_replica one{server};
  poll_replica stranger{server, false, options_of(), "another-example-not-real"};
  one.end(one.begin().number);
  CHECK(stranger.begin().is == outcome::yours);
  poll_replica other{server};
  CHECK(one.result(one.polls.completed_first(session)));
  CHECK_FALSE(other.result(other.polls.completed_first(session)));
}

TEST_CASE("where the store is away everybody is on its own") {
  support::redis_server server;
  auto how = options_of();
  how.timeout = 20ms;
  poll_replica one{server, false, how};
  server.pause();
  CHECK(one.begin().is == outcome::away);
  CHECK(one.end(7) == 0);
  CHECK_FALSE(one.result(one.polls.completed_first(session)));
  server.resume();
}

}  // namespace
