#include "support/certificates.hpp"
#include "world.hpp"

namespace gateway::store::redis {
namespace {

identity with_password(std::string user, std::string password) {
  identity who;
  who.credentials = [user = std::move(user), password = std::move(password)] {
    return credentials{.user = user, .password = secrets::secret{password}};
  };
  return who;
}

TEST_CASE("By address and by name") {
  world w;
  const support::redis_server server{{.tcp = true}};
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto it = w.connect({.host = host, .port = server.port()});
    CHECK(shown(w.ask(*it, {"PING"})) == "PONG");
  }
  const auto nowhere = w.make({.host = "redis.invalid", .port = server.port()});
  CHECK(w.until([&] { return w.watcher.failed_with("cannot resolve redis.invalid"); }));
}

TEST_CASE("Nobody listens: it is tried again, and succeeds when somebody does") {
  world w;
  support::redis_server server{{.tcp = true}};
  server.stop();
  const auto it = w.make({.host = "127.0.0.1", .port = server.port()});
  CHECK(w.until([&] { return w.watcher.failures.size() >= 3; }));
  CHECK(w.watcher.failed_with("Connection refused"));
  CHECK(shown(w.ask(*it, {"PING"})) == "unreachable, not written");
  server.start();
  CHECK(w.until([&] { return it->connected(); }));
}

TEST_CASE("Database and name are those that were asked for") {
  world w;
  const support::redis_server server;
  identity who;
  who.database = 3;
  who.client_name = "egress-gateway";
  const auto it = w.connect(world::at(server), who);
  CHECK(shown(w.ask(*it, {"SET", "k", "v"})) == "OK");
  const auto clients = server.ask({"CLIENT", "LIST"});
  CHECK(clients.contains("name=egress-gateway"));
  CHECK(clients.contains("db=3"));
  CHECK(server.ask({"GET", "k"}).empty());

  who.database = 99;
  const auto wrong = w.make(world::at(server), who);
  CHECK(w.until([&] { return w.watcher.failed_with("SELECT was refused: ERR"); }));
}

TEST_CASE("With the server's password, and without the right one not") {
  world w;
  const support::redis_server server{{.password = "sample-default"}};
  const auto it = w.connect(world::at(server), with_password("", "sample-default"));
  CHECK(shown(w.ask(*it, {"PING"})) == "PONG");

  const auto wrong = w.make(world::at(server), with_password("", "sample-wrong"));
  CHECK(w.until([&] { return w.watcher.failed_with("AUTH was refused: WRONGPASS"); }));
  const auto without = w.make(world::at(server));
  CHECK(w.until([&] { return w.watcher.failed_with("INFO was refused: NOAUTH"); }));
  for (const auto& each : w.watcher.failures) CHECK(!each.contains("sample"));
}

TEST_CASE("A password for a server that has none is a failure that says so") {
  world w;
  const support::redis_server server;
  const auto it = w.make(world::at(server), with_password("", "sample"));
  CHECK(w.until([&] { return w.watcher.failed_with("AUTH was refused: does the server have"); }));
}

TEST_CASE("As a user of the server's ACL, who may do what it allows") {
  world w;
  const support::redis_server server;
  server.ask({"ACL", "SETUSER", "gateway", "on", ">sample-user", "~gw:*", "+@read", "+@write", "+auth", "+select",
              "+info", "+ping"});
  // CLIENT SETNAME is not allowed, and that does no harm.
  auto who = with_password("gateway", "sample-user");
  who.client_name = "egress-gateway";
  const auto it = w.connect(world::at(server), who);
  CHECK(shown(w.ask(*it, {"SET", "gw:k", "v"})) == "OK");
  CHECK(shown(w.ask(*it, {"SET", "other", "v"})) == "error, written, NOPERM");
  CHECK(shown(w.ask(*it, {"CONFIG", "GET", "dir"})) == "error, written, NOPERM");
  CHECK(it->connected());
  const auto wrong = w.make(world::at(server), with_password("gateway", "sample-wrong"));
  CHECK(w.until([&] { return w.watcher.failed_with("AUTH was refused: WRONGPASS"); }));
}

TEST_CASE("A password that is rotated is picked up by the next connection") {
  world w;
  support::redis_server server;
  server.ask({"ACL", "SETUSER", "gateway", "on", ">sample-old", "~*", "+@all"});
  std::string now = "sample-old";
  identity who;
  who.credentials = [&now] { return credentials{.user = "gateway", .password = secrets::secret{now}}; };
  const auto it = w.connect(world::at(server), who);
  // The user's connections are ended by the server; the old password works no more.
  server.ask({"ACL", "DELUSER", "gateway"});
  server.ask({"ACL", "SETUSER", "gateway", "on", ">sample-new", "~*", "+@all"});
  CHECK(w.until([&] { return w.watcher.failed_with("WRONGPASS"); }));
  CHECK(!it->connected());
  now = "sample-new";
  CHECK(w.until([&] { return it->connected(); }));
}

TEST_CASE("With TLS the server must be who it says it is") {
  world w;
  const auto& made = support::certificates();
  const support::redis_server server{{.certificate_pem = made.server.certificate_pem, .key_pem = made.server.key_pem}};
  place where{.host = "127.0.0.1", .port = server.tls_port(), .tls = support::trusting(made.authority)};
  SUBCASE("the right one") {
    where.server_name = "podero.test";
    const auto it = w.connect(where);
    CHECK(shown(w.ask(*it, {"ECHO", std::string(100'000, 'x')})) == std::string(100'000, 'x'));
  }
  SUBCASE("its name comes from the host") {
    where.host = "localhost";
    const auto it = w.connect(where);
    CHECK(shown(w.ask(*it, {"PING"})) == "PONG");
  }
  SUBCASE("another name") {
    where.server_name = "redis.test";
    const auto it = w.make(where);
    CHECK(w.until([&] { return w.watcher.failed_with("certificate was refused: hostname mismatch"); }));
  }
  SUBCASE("an unknown authority") {
    where.server_name = "podero.test";
    where.tls = support::trusting(simulator::make_authority("Another CA"));
    const auto it = w.make(where);
    CHECK(w.until([&] { return w.watcher.failed_with("TLS: "); }));
    CHECK(!it->connected());
  }
  SUBCASE("in the clear, to a port that speaks TLS") {
    where.tls = nullptr;
    const auto it = w.make(where);
    CHECK(w.until([&] { return !w.watcher.failures.empty(); }));
    CHECK(!it->connected());
  }
}

}  // namespace
}  // namespace gateway::store::redis
