// Podero's server speaks HTTP/2: many exchanges on few connections.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "socket/podero_log.hpp"
#include "socket/started.hpp"

using namespace gateway::socket_tests;
using gateway::support::eventually;

namespace {

constexpr std::string_view shared = R"(onboarding_gateway_upstream_http2_connections{account="sandbox"})";

// So many callers at once, each with so many creations one after the other. How many of them made a session.
int create_at_once(const running_gateway& on, int callers, int each) {
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < callers; ++i)
      all.emplace_back([&, i] {
        auto caller = on.caller();
        for (int j = 0; j < each; ++j)
          if (caller.call("POST", sessions_path, body_for(i * each + j), json_body).status == 201) ++made;
      });
  }
  return made;
}

}  // namespace

TEST_CASE("A crowd of creations shares two connections, and the next crowd uses them again") {
  both_programs running{[](auto& c) { c.more = "threads: 1\n"; }, {"--http2"}};
  // All of them are on their way before the first is answered.
  running.podero.order("POST", "/faults",
                       R"({"match":{"operation":"create","times":40},"action":{"latency":"500ms"}})");
  CHECK(create_at_once(running.gateway, 40, 2) == 80);
  const auto handshakes = running.podero.counter("tls_handshakes");
  CHECK(handshakes <= 3);  // one of them for the token
  CHECK(eventually([&] { return running.gateway.metric(std::string{shared}) == 2; }));
  CHECK(create_at_once(running.gateway, 40, 2) == 80);
  CHECK(running.podero.counter("tls_handshakes") == handshakes);
}

TEST_CASE("Where it is not wanted, or not spoken, each exchange has a connection of its own") {
  std::vector<std::string> protocol;
  std::string pool;
  SUBCASE("not spoken") {}
  SUBCASE("not wanted") {
    protocol = {"--http2"};
    pool = "    pool: { http2_streams: 0 }\n";
  }
  both_programs running{[&](auto& c) { c.account_more = pool; }, protocol};
  running.podero.order("POST", "/faults", R"({"match":{"operation":"create","times":8},"action":{"latency":"500ms"}})");
  CHECK(create_at_once(running.gateway, 8, 1) == 8);
  CHECK(running.podero.counter("tls_handshakes") >= 8);
  CHECK(running.gateway.metric(std::string{shared}) == 0);
}

TEST_CASE("A server that ends its connections again and again loses no creation, and makes none twice") {
  both_programs running{[](auto& c) { c.account_more = "    retries: { attempts: 10, budget: 1.0 }\n"; },
                        {"--http2", "--max-requests-per-connection", "25"}};
  constexpr int callers = 10;
  constexpr int each = 30;
  CHECK(create_at_once(running.gateway, callers, each) == callers * each);
  CHECK(creations(running.podero).size() == callers * each);
}

TEST_CASE("One that is slow holds up no other on its connection, and one that is reset takes none along") {
  both_programs running{[](auto& c) { c.more = "threads: 1\n"; }, {"--http2"}};
  auto first = running.gateway.caller();
  create(first);
  running.podero.order("POST", "/faults", R"({"match":{"operation":"create","times":1},"action":{"latency":"2s"}})");
  std::jthread slow{
      [&] { CHECK(running.gateway.caller().call("POST", sessions_path, body_for(1), json_body).status == 201); }};
  REQUIRE(eventually([&] { return creations(running.podero).size() == 2; }));
  running.podero.order("POST", "/faults",
                       R"({"match":{"operation":"create","times":1},"action":{"reset_after_sent":0}})");
  const auto reset = first.call("POST", sessions_path, body_for(2), json_body);
  CHECK(reset.status == 502);
  CHECK(text_in(reset.json(), "upstream_effect") == "unknown");
  create(first);
  slow.join();
  CHECK(running.podero.counter("tls_handshakes") == 2);  // one of them for the token
}
