#include <doctest/doctest.h>

#include "scripted_network.hpp"
#include "support/memory_peer.hpp"
#include "upstream/address_race.hpp"

namespace {

using namespace gateway;
using namespace gateway::upstream;
using namespace std::chrono_literals;
using support::at;
using mode = support::scripted_connector::mode;
using transport::task;
using set = std::vector<transport::endpoint>;

struct opening_fixture : support::network_fixture {
  std::optional<opened> got;

  ~opening_fixture() { got.reset(); }

  static task<> open(opening_fixture& self, time::instant deadline) {
    self.got = co_await open_connection(self.net, self.target, deadline);
  }
  void open() {
    got.reset();
    start(open(*this, loop.now() + 2s));
  }
  std::string error() const {
    REQUIRE(got.has_value());
    REQUIRE_FALSE(got->has_value());
    return got->error();
  }
  transport::channel& client() { return *got->value(); }
  bool is_open() const { return got.has_value() && got->has_value(); }
};

TEST_CASE("addresses are tried with the families taking turns, the resolver's first one first") {
  CHECK(interleaved({}).empty());
  CHECK(interleaved({at("2001:db8::1"), at("2001:db8::2"), at("192.0.2.1"), at("2001:db8::3"), at("192.0.2.2")}) ==
        set{at("2001:db8::1"), at("192.0.2.1"), at("2001:db8::2"), at("192.0.2.2"), at("2001:db8::3")});
  CHECK(interleaved({at("192.0.2.1"), at("192.0.2.2"), at("2001:db8::1")}) ==
        set{at("192.0.2.1"), at("2001:db8::1"), at("192.0.2.2")});
}

TEST_CASE_FIXTURE(opening_fixture, "a connection is a name, an address, and TLS for that name") {
  open();
  REQUIRE(is_open());
  CHECK(names.asked == std::vector<std::string>{"podero.test:443"});
  CHECK(connector.asked.at(0).where == at("192.0.2.1"));
  CHECK(client().try_write(std::string_view{"hello"}).bytes == 5);
  CHECK(server(0).heard() == "hello");
}

TEST_CASE_FIXTURE(opening_fixture,
                  "an address that does not answer costs a quarter of a second, then the next one is tried") {
  names.answer = set{at("2001:db8::1"), at("2001:db8::2"), at("192.0.2.1")};
  connector.how = mode::stepping;
  open();
  CHECK(connector.asked.size() == 1);
  advance(249ms);
  CHECK(connector.asked.size() == 1);
  advance(1ms);
  REQUIRE(connector.asked.size() == 2);
  CHECK(connector.asked[1].where == at("192.0.2.1"));
  connector.succeed(1);
  settle();
  CHECK(is_open());
  CHECK(connector.asked.size() == 2);
  CHECK(connector.asked[0].dropped);
}

TEST_CASE_FIXTURE(opening_fixture,
                  "the first to connect wins, also when it was tried first and the second is under way") {
  names.answer = set{at("192.0.2.1"), at("192.0.2.2")};
  connector.how = mode::stepping;
  open();
  advance(250ms);
  REQUIRE(connector.asked.size() == 2);
  connector.succeed(0);
  settle();
  CHECK(is_open());
  CHECK(connector.asked[1].dropped);
}

TEST_CASE_FIXTURE(opening_fixture, "two that connect in the same turn make one connection, the other is closed") {
  names.answer = set{at("192.0.2.1"), at("192.0.2.2")};
  connector.how = mode::stepping;
  open();
  advance(250ms);
  connector.succeed(0);
  connector.succeed(1);
  settle();
  CHECK(is_open());
  CHECK(server(0).shaken());
  CHECK(server(1).ended());
}

TEST_CASE_FIXTURE(opening_fixture, "a refusal is followed by the next address at once, the last one by the error") {
  names.answer = set{at("192.0.2.1"), at("192.0.2.2")};
  connector.how = mode::stepping;
  open();
  connector.fail(0);
  settle();
  REQUIRE(connector.asked.size() == 2);
  connector.fail(1, "network is unreachable");
  settle();
  CHECK(error() == "cannot connect to podero.test:443: network is unreachable");
}

TEST_CASE_FIXTURE(opening_fixture, "a refusal while another attempt is under way waits for that one's quarter second") {
  names.answer = set{at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3")};
  connector.how = mode::stepping;
  open();
  advance(250ms);
  connector.fail(0);
  settle();
  CHECK(connector.asked.size() == 2);
  advance(250ms);
  CHECK(connector.asked.size() == 3);
  connector.succeed(2);
  settle();
  CHECK(is_open());
}

TEST_CASE_FIXTURE(opening_fixture, "when no address answers, the deadline ends it and every attempt") {
  names.answer = set{at("192.0.2.1"), at("192.0.2.2")};
  connector.how = mode::stepping;
  open();
  advance(1999ms);
  CHECK_FALSE(got.has_value());
  advance(1ms);
  CHECK(error() == "cannot connect to podero.test:443: timed out");
  CHECK(connector.asked[0].place == nullptr);
  CHECK(connector.asked[1].place == nullptr);
}

TEST_CASE_FIXTURE(opening_fixture, "a name without an address is an error that names it") {
  names.answer = std::unexpected{std::string{"no such name"}};
  open();
  CHECK(error() == "cannot resolve podero.test: no such name");
  CHECK(connector.asked.empty());
}

TEST_CASE_FIXTURE(opening_fixture, "destroying the task ends every attempt") {
  names.answer = set{at("192.0.2.1"), at("192.0.2.2")};
  connector.how = mode::stepping;
  open();
  advance(250ms);
  loop.abandon();
  CHECK(connector.asked[0].dropped);
  CHECK(connector.asked[1].dropped);
}

TEST_CASE_FIXTURE(opening_fixture, "a certificate that is refused, a server without TLS and a silent one are named") {
  SUBCASE("wrong name") {
    target.server_name = "elsewhere.test";
    open();
    CHECK(error().starts_with("TLS to podero.test:443: the server's certificate was refused: hostname mismatch"));
    CHECK(error().find("podero.test)") != std::string::npos);
  }
  SUBCASE("no TLS") {
    connector.on_accept = [](std::unique_ptr<transport::memory_channel> wire) {
      wire->try_write(std::string_view{"HTTP/1.1 400 Bad Request\r\n\r\n"});
    };
    open();
    CHECK(error().starts_with("TLS to podero.test:443: "));
  }
  SUBCASE("closed in the handshake") {
    connector.on_accept = [](std::unique_ptr<transport::memory_channel>) {};
    open();
    CHECK(error().starts_with("TLS to podero.test:443: "));
  }
  SUBCASE("silent") {
    std::unique_ptr<transport::memory_channel> kept;
    connector.on_accept = [&](std::unique_ptr<transport::memory_channel> wire) { kept = std::move(wire); };
    open();
    advance(2s);
    CHECK(error() == "TLS to podero.test:443: timed out");
  }
}

// A small proxy: it notes what it is asked, answers, and then hands the bytes on to a server with TLS behind it.
struct proxied_fixture : opening_fixture {
  std::optional<support::memory_peer> proxy;
  std::optional<support::memory_peer> behind;

  proxied_fixture() {
    target.proxy = upstream::proxy{"egress-proxy.test", 3128, {}};
    connector.on_accept = [this](std::unique_ptr<transport::memory_channel> wire) { proxy.emplace(std::move(wire)); };
  }
  ~proxied_fixture() { got.reset(); }
  // The tunnel is open: what one side says goes to the other, until both have said it all.
  void relay() {
    if (!behind) {
      auto [mine, theirs] = transport::memory_channel::make_pair(loop.ready());
      behind.emplace(std::move(mine));
      servers.emplace_back(loop, *server_context, std::move(theirs));
    }
    for (int i = 0; i < 6; ++i) {
      behind->say(proxy->heard());
      settle();
      proxy->say(behind->heard());
      settle();
    }
  }
};

TEST_CASE_FIXTURE(proxied_fixture, "through a proxy: CONNECT to the server's name, then TLS with the server inside") {
  open();
  CHECK(names.asked == std::vector<std::string>{"egress-proxy.test:3128"});
  CHECK(proxy->heard() == "CONNECT podero.test:443 HTTP/1.1\r\nHost: podero.test:443\r\n\r\n");
  proxy->say("HTTP/1.0 200 Connection established\r\n\r\n");
  settle();
  relay();
  REQUIRE(is_open());
  CHECK(client().try_write(std::string_view{"hello"}).bytes == 5);
  relay();
  CHECK(server(0).heard() == "hello");
}

TEST_CASE_FIXTURE(proxied_fixture, "credentials for the proxy go to it as Basic, and an IPv6 host in brackets") {
  target.proxy->credentials = secrets::secret{"gateway:example-secret-not-real"};
  target.host = "2001:db8::1";
  open();
  CHECK(proxy->heard() ==
        "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n"
        "Proxy-Authorization: Basic Z2F0ZXdheTpleGFtcGxlLXNlY3JldC1ub3QtcmVhbA==\r\n\r\n");
  proxy->say("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  settle();
  CHECK(error() == "proxy egress-proxy.test:3128 opens no tunnel to [2001:db8::1]:443: status 407");
}

TEST_CASE_FIXTURE(proxied_fixture,
                  "a proxy that refuses, babbles, closes or keeps silent is named, and its answer bounded") {
  const std::string begins = "proxy egress-proxy.test:3128 opens no tunnel to podero.test:443: ";
  open();
  SUBCASE("refuses") {
    proxy->say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry");
    settle();
    CHECK(error() == begins + "status 502");
  }
  SUBCASE("has bytes of its own") {
    proxy->say("HTTP/1.1 200 OK\r\n\r\nhello");
    settle();
    CHECK(error() == begins + "it sends bytes of its own into the tunnel");
  }
  SUBCASE("is none") {
    proxy->say("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    settle();
    CHECK(error() == begins + "the answer is not HTTP/1.1");
  }
  SUBCASE("has no end") {
    proxy->say("HTTP/1.1 200 OK\r\nX: " + std::string(17 * 1024, 'x'));
    settle();
    CHECK(error() == begins + "the answer's header is larger than 16384 bytes");
  }
  SUBCASE("closes") {
    proxy->leave();
    settle();
    CHECK(error() == begins + "the server closed the connection without an answer");
  }
  SUBCASE("keeps silent") {
    advance(2s);
    CHECK(error() == begins + "no answer in time");
  }
}

TEST_CASE_FIXTURE(proxied_fixture, "a proxy that cannot be reached is named") {
  connector.how = mode::refusing;
  open();
  CHECK(error() == "cannot connect to proxy egress-proxy.test:3128: connection refused");
  names.answer = std::unexpected{std::string{"no such name"}};
  open();
  CHECK(error() == "cannot resolve proxy egress-proxy.test: no such name");
}

}  // namespace
