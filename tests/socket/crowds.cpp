// More callers than the gateway takes, over all its loops: who is refused is told so, and nobody else notices.
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <optional>

using namespace gateway::socket_tests;
using gateway::support::eventually;

namespace {

constexpr std::string_view accounts = "/v1/accounts";

std::string limit_of(const answer& got) {
  return text_in(got.json().at("decision"), "limit");
}

// What a connection is told before it asks for anything.
answer greeting(const running_gateway& of) {
  auto over = of.caller();
  return over.receive();
}

bool serves(const running_gateway& of) {
  auto over = of.caller();
  over.send(connection::request("GET", accounts, "", ""));
  return over.receive().status == 200;
}

void on_three_loops(configuration& c, std::string_view api) {
  c.api = "{ address: 127.0.0.1, port: 0, " + std::string{api} + " }";
  c.more = "threads: 3\n";
}

}  // namespace

TEST_CASE("One peer has so many connections, over all loops, and a place that becomes free is taken again") {
  both_programs running{[](configuration& c) { on_three_loops(c, "max_connections_per_peer: 6"); }};
  std::vector<std::unique_ptr<connection>> there;
  for (int i = 0; i < 6; ++i) {
    there.push_back(std::make_unique<connection>(running.gateway.api()));
    CHECK(there.back()->call("GET", accounts).status == 200);
  }
  for (int i = 0; i < 6; ++i) {
    const auto refused = greeting(running.gateway);
    CHECK(refused.status == 503);
    CHECK(refused.header("Retry-After") == "1");
    CHECK(limit_of(refused) == "connections-per-peer");
    CHECK_FALSE(refused.keep_alive);
  }
  for (auto& one : there) CHECK(one->call("GET", accounts).status == 200);
  CHECK(get(running.gateway.admin(), "/livez").status == 200);
  there.pop_back();
  CHECK(eventually([&] { return serves(running.gateway); }));
}

TEST_CASE("There are so many connections in all, however the kernel spreads them over the loops") {
  both_programs running{[](configuration& c) { on_three_loops(c, "max_connections: 5"); }};
  std::vector<std::unique_ptr<connection>> there;
  for (int i = 0; i < 5; ++i) {
    there.push_back(std::make_unique<connection>(running.gateway.api()));
    CHECK(there.back()->call("GET", accounts).status == 200);
  }
  CHECK(limit_of(greeting(running.gateway)) == "connections");
  there.clear();
  CHECK(eventually([&] { return serves(running.gateway); }));
}

TEST_CASE("Beyond the requests in flight the next one is refused on every loop, and the operators' listener never") {
  both_programs running{[](configuration& c) {
    on_three_loops(c, "reuse_port: false");
    c.more += "overload: { max_in_flight: 2 }\n";
  }};
  running.podero.order("POST", "/faults", R"({"match":{"operation":"create"},"action":{"latency":"5s"}})");
  std::vector<std::unique_ptr<connection>> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(std::make_unique<connection>(running.gateway.api()));
    waiting.back()->send(connection::request("POST", sessions_path, example_request, json_body));
  }
  CHECK(eventually([&] { return running.gateway.metric("onboarding_gateway_requests_in_flight") == 2; }));
  for (int i = 0; i < 6; ++i) {
    auto over = running.gateway.caller();
    const auto refused = over.call("GET", accounts);
    CHECK(refused.status == 503);
    CHECK(limit_of(refused) == "requests-in-flight");
    CHECK(refused.keep_alive);
    CHECK(over.call("GET", accounts).status == 503);
  }
  CHECK(get(running.gateway.admin(), "/readyz").status == 200);
  for (auto& one : waiting) CHECK(one->receive().status == 201);
  CHECK(eventually([&] { return serves(running.gateway); }));
}

TEST_CASE("A low soft limit of open files is no limit of connections") {
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  const auto low = rlimit{.rlim_cur = 64, .rlim_max = files.rlim_max};
  std::optional<both_programs> running;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  running.emplace();
  const rlimit enough{.rlim_cur = std::min<rlim_t>(files.rlim_max, 1024), .rlim_max = files.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &enough) == 0);
  CHECK(running->gateway.metric("process_max_fds") == static_cast<double>(files.rlim_max));
  std::vector<std::unique_ptr<connection>> many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(std::make_unique<connection>(running->gateway.api()));
    CHECK(many.back()->call("GET", accounts).status == 200);
  }
}
