#include <doctest/doctest.h>

#include <list>

#include "support/http2_server.hpp"
#include "way_fixture.hpp"

namespace {

using namespace gateway;
using namespace gateway::dispatch;
using namespace std::chrono_literals;
using errors::effect;
using errors::problem;

// Connects to servers in memory that speak HTTP/2.
class http2_connector final : public transport::connector {
 public:
  http2_connector(transport::loop& on, tls::server_context& with) : loop_{on}, with_{with} {}
  transport::task<std::expected<std::unique_ptr<transport::channel>, std::string>> connect(transport::endpoint,
                                                                                           time::instant) override {
    auto [mine, theirs] = transport::memory_channel::make_pair(loop_.ready());
    servers.emplace_back(loop_, with_, protocol_, std::move(theirs));
    std::unique_ptr<transport::channel> channel = std::move(mine);
    co_return std::move(channel);
  }
  std::list<support::http2_server> servers;

 private:
  transport::loop& loop_;
  tls::server_context& with_;
  const std::string protocol_ = "h2";
};

// The same way over HTTP/2.
struct http2_way : way_fixture {
  ~http2_way() {
    over_http2.close_idle();
    for (auto& each : connector.servers) each.give_up();
    settle();
  }
  static upstream::target speaking_http2() {
    auto target = where();
    target.http2_streams = 8;
    return target;
  }
  void post(result& into, time::duration within = 15s) {
    create_over(second, into, "{}", within);
    turn();
  }
  void turn() {
    for (int i = 0; i < 3; ++i) {
      for (auto& each : connector.servers)
        if (each.peer) each.peer->turn();
      settle();
    }
  }
  support::http2_peer& peer(std::size_t i = 0) {
    REQUIRE(i < connector.servers.size());
    auto& it = std::next(connector.servers.begin(), static_cast<std::ptrdiff_t>(i))->peer;
    REQUIRE(it.has_value());
    return *it;
  }

  std::shared_ptr<tls::server_context> certificate = identity();
  http2_connector connector{loop, *certificate};
  upstream::pool over_http2{
      {loop, connector, names}, speaking_http2(), {.ready_connections = 0}, connections, [] { return 0.5; }};
  dispatcher second{over(over_http2), settings()};
};

TEST_CASE_FIXTURE(http2_way, "creations share a connection, and each has its own answer") {
  result one;
  result two;
  post(one);
  post(two);
  CHECK(connector.servers.size() == 1);
  CHECK(peer().at(1).field("authorization") == "Bearer t1");
  peer().answer(3, {{":status", "201"}}, R"({"id":"2"})");
  settle();
  CHECK_FALSE(one.delivered());
  REQUIRE(two.delivered());
  CHECK(two.status() == 201);
  CHECK(two.space.answer.body == R"({"id":"2"})");
  peer().answer(1, {{":status", "422"}, {"content-type", "application/json"}}, "{}");
  settle();
  REQUIRE(one.delivered());
  CHECK(one.status() == 422);
  CHECK(over_http2.count().idle == 2);
}

TEST_CASE_FIXTURE(http2_way, "a creation that a going server never began is sent again, to another one") {
  result r;
  post(r);
  peer().goodbye(0);
  settle();
  CHECK_FALSE(r.got.has_value());
  CHECK(noted.repetitions == std::vector<std::string>{"unprocessed"});
  advance(100ms);
  turn();
  REQUIRE(connector.servers.size() == 2);
  CHECK(peer(1).at(1).content == "{}");
  peer(1).answer(1, {{":status", "201"}}, "{}");
  settle();
  CHECK(r.delivered());
  CHECK(noted.permits == std::vector<std::string>{"admitted", "admitted"});
}

TEST_CASE_FIXTURE(http2_way, "a server that begins no creation is not asked for ever, and nothing was done") {
  result r;
  post(r);
  for (std::int32_t stream = 1; stream <= 5; stream += 2) {
    peer(connector.servers.size() - 1)
        .reset(peer(connector.servers.size() - 1).requests().rbegin()->first, NGHTTP2_REFUSED_STREAM);
    settle();
    advance(200ms);
    turn();
  }
  CHECK(r.failure().id == problem::upstream_error);
  CHECK(r.failure().effect == effect::none);
  CHECK(noted.exchanges.size() == 3);
  CHECK(noted.repetitions == std::vector<std::string>{"unprocessed", "unprocessed"});
}

TEST_CASE_FIXTURE(http2_way,
                  "of creations that were sent when the connection was lost nobody knows, and none is repeated") {
  result one;
  result two;
  post(one);
  post(two);
  connector.servers.front().cut();
  settle();
  CHECK(one.failure().effect == effect::unknown);
  CHECK(two.failure().effect == effect::unknown);
  CHECK(noted.repetitions.empty());
}

TEST_CASE_FIXTURE(http2_way, "silence ends one creation, and the others go on; later ones use another connection") {
  result quick;
  result slow;
  post(slow, 1s);
  post(quick);
  advance(1s);
  CHECK(slow.failure().id == problem::upstream_timeout);
  CHECK(slow.failure().effect == effect::unknown);
  turn();
  CHECK(peer().at(1).closed_with == NGHTTP2_CANCEL);
  peer().answer(3, {{":status", "201"}}, "{}");
  settle();
  CHECK(quick.delivered());
  result later;
  post(later);
  CHECK(connector.servers.size() == 2);
  peer(1).answer(1, {{":status", "201"}}, "{}");
  settle();
  CHECK(later.delivered());
}

}  // namespace
