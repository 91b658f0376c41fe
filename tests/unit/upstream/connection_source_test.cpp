#include "upstream/connection_source.hpp"

#include <doctest/doctest.h>

#include "foundation/transport/departure.hpp"
#include "scripted_network.hpp"
#include "support/http2_server.hpp"

namespace {

using namespace gateway;
using namespace gateway::upstream;
using namespace std::chrono_literals;
using mode = support::scripted_connector::mode;
using transport::task;

struct source_fixture : support::network_fixture {
  source_fixture() {
    target.http2_streams = 2;
    connector.on_accept = [this](std::unique_ptr<transport::memory_channel> wire) {
      far_ends.emplace_back(loop, *server_context, protocol, std::move(wire)).greets = greets;
    };
  }
  ~source_fixture() {
    loop.abandon();
    got.clear();
    for (auto& each : far_ends) each.give_up();
    settle();
  }

  static task<> open(source_fixture& self, std::size_t i, time::instant deadline) {
    self.got[i] = co_await self.source.open(deadline);
  }
  void open(std::size_t count = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      got.emplace_back();
      loop.spawn(open(*this, got.size() - 1, loop.now() + 2s));
    }
    settle();
    for (auto& each : far_ends)
      if (each.peer && each.greets) each.peer->turn();
    settle();
  }
  transport::channel& one(std::size_t i) {
    REQUIRE(got.at(i).has_value());
    REQUIRE(got.at(i)->has_value());
    return ***got.at(i);
  }
  std::string fault(std::size_t i) {
    REQUIRE(got.at(i).has_value());
    REQUIRE_FALSE(got.at(i)->has_value());
    return got.at(i)->error();
  }

  std::string protocol = "h2";
  bool greets = true;
  std::list<support::http2_server> far_ends;
  std::deque<std::optional<opened>> got;
  connection_source source{net, target, 10min};
};

TEST_CASE_FIXTURE(source_fixture, "a server that speaks HTTP/2 has several on one connection") {
  open(5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(one(i).one_of_several());
  CHECK(connector.asked.size() == 3);
  CHECK(far_ends.size() == 3);
  CHECK(source.shared_connections() == 3);
  got.pop_back();
  CHECK(source.shared_connections() == 2);
}

TEST_CASE_FIXTURE(source_fixture, "where one ends there is room for another") {
  open(2);
  got[0].reset();
  open();
  CHECK(one(2).one_of_several());
  CHECK(far_ends.size() == 1);
}

TEST_CASE_FIXTURE(source_fixture, "a server that speaks HTTP/1.1 has one each, and is asked by one before all others") {
  SUBCASE("it says so") {
    protocol = "http/1.1";
  }
  SUBCASE("it knows of no such choice") {
    protocol.clear();
  }
  connector.how = mode::stepping;
  open(3);
  CHECK(connector.asked.size() == 1);
  connector.succeed(0);
  settle();
  CHECK_FALSE(one(0).one_of_several());
  REQUIRE(connector.asked.size() == 3);  // and now the others, at once
  connector.succeed(1);
  connector.succeed(2);
  settle();
  CHECK_FALSE(one(1).one_of_several());
  CHECK_FALSE(one(2).one_of_several());
  open(2);
  CHECK(connector.asked.size() == 5);
}

TEST_CASE_FIXTURE(source_fixture, "a server may have learned it meanwhile, or forgotten it") {
  protocol = "http/1.1";
  open();
  protocol = "h2";
  open(2);
  CHECK_FALSE(one(0).one_of_several());
  CHECK(one(1).one_of_several());
  CHECK(one(2).one_of_several());
  open();
  CHECK(one(3).one_of_several());
  far_ends.back().cut();
  protocol = "http/1.1";
  got.clear();
  open(2);
  CHECK_FALSE(one(0).one_of_several());
  CHECK_FALSE(one(1).one_of_several());
}

TEST_CASE_FIXTURE(source_fixture, "without places wanted it is not offered") {
  target.http2_streams = 0;
  open(2);
  CHECK_FALSE(one(0).one_of_several());
  CHECK(far_ends.size() == 2);
  CHECK_FALSE(far_ends.front().peer.has_value());
}

TEST_CASE_FIXTURE(source_fixture, "those who wait for one that cannot be opened all hear why") {
  connector.how = mode::stepping;
  open(3);
  CHECK(connector.asked.size() == 1);
  connector.fail(0, "connection refused");
  settle();
  for (std::size_t i = 0; i < 3; ++i) CHECK(fault(i) == "cannot connect to podero.test:443: connection refused");
}

TEST_CASE_FIXTURE(source_fixture, "a server that takes HTTP/2 and does not greet is given up in time") {
  greets = false;
  open(2);
  advance(2s);
  CHECK(fault(0) == "HTTP/2 with podero.test:443: no greeting in HTTP/2 in time");
}

TEST_CASE_FIXTURE(source_fixture, "who waits no longer than its deadline hears so") {
  connector.how = mode::stepping;
  open();
  advance(1s);
  got.emplace_back();
  loop.spawn(open(*this, 1, loop.now() + 500ms));
  advance(500ms);
  CHECK(fault(1) == "no connection to podero.test:443 came up in time");
  CHECK_FALSE(got[0].has_value());
  connector.succeed(0);
  open();
  CHECK(one(0).one_of_several());
}

TEST_CASE_FIXTURE(source_fixture, "where the one who opens leaves, another one opens") {
  struct whole {
    static task<> open(source_fixture& self, transport::departure& who) {
      co_await transport::unless_gone(self.source.open(self.loop.now() + 2s), &who);
    }
  };
  transport::departure leaves;
  connector.how = mode::stepping;
  start(whole::open(*this, leaves));
  open();
  CHECK(connector.asked.size() == 1);
  leaves.happen(loop.ready());
  settle();
  REQUIRE(connector.asked.size() == 2);
  CHECK(connector.asked[0].dropped);
  connector.succeed(1);
  open();
  CHECK(one(0).one_of_several());
}

TEST_CASE_FIXTURE(source_fixture, "an old connection takes on no others") {
  open();
  advance(10min);
  open();
  CHECK(one(1).one_of_several());
  CHECK(far_ends.size() == 2);
}

TEST_CASE_FIXTURE(source_fixture, "nor does one that the server ends") {
  open();
  far_ends.front().peer->goodbye(0);
  settle();
  open();
  CHECK(one(1).one_of_several());
  CHECK(far_ends.size() == 2);
}

}  // namespace
