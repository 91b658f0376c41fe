#include "support/redis_server.hpp"

#include <doctest/doctest.h>

namespace gateway::support {
namespace {

TEST_CASE("A server of the test's own answers, keeps its place over a restart, and is gone in the end") {
  std::string path;
  {
    redis_server server{{.tcp = true}};
    path = server.unix_path();
    const auto port = server.port();
    CHECK(port != 0);
    CHECK(server.ask({"SET", "k", "v"}) == "OK");
    CHECK(server.ask({"GET", "k"}) == "v");
    server.stop();
    CHECK_THROWS_AS(server.ask({"PING"}), std::runtime_error);
    server.start();
    CHECK(server.port() == port);
    CHECK(server.ask({"GET", "k"}).empty());
    server.kill();
    server.start();
    CHECK(server.ask({"PING"}) == "PONG");
  }
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("A server that cannot start says why") {
  try {
    const redis_server server{{.arguments = {"--no-such-setting", "1"}}};
    FAIL("it started");
  } catch (const std::runtime_error& why) {
    CHECK(std::string_view{why.what()}.contains("no-such-setting"));
  }
}

}  // namespace
}  // namespace gateway::support
