// One session for many who ask for the same: a thousand at once, on one test account.
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <sys/resource.h>

#include <map>

using namespace gateway::socket_tests;
using gateway::support::eventually;
namespace json = boost::json;

namespace {

constexpr int many = 1000;

// A thousand connections at both ends.
void raise_file_limit() {
  rlimit files{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &files) == 0);
}

struct crowd {
  explicit crowd(int how_many, const std::function<void(configuration&)>& adapt) {
    raise_file_limit();
    running.emplace(adapt);
    for (int i = 0; i < how_many; ++i) callers.push_back(running->gateway.caller());
  }
  void ask(std::string_view headers = {}) {
    for (auto& one : callers)
      one.send(
          connection::request("POST", sessions_path, example_request, std::string{json_body} + std::string{headers}));
  }
  std::vector<answer> hear() {
    std::vector<answer> all;
    for (auto& one : callers) all.push_back(one.receive());
    return all;
  }
  std::int64_t creations() const { return running->podero.counter("creations"); }
  void slow_creations(std::string_view action) const {
    running->podero.order("POST", "/faults",
                          R"({"match":{"operation":"create"},"action":)" + std::string{action} + "}");
  }

  std::optional<both_programs> running;
  std::vector<connection> callers;
};

void on_a_test_account(configuration& c) {
  c.account_more = "    test_account: demo\n    session_reuse: 10m\n";
  c.timeouts = "{ total: 30s, connect: 5s, exchange: 10s }";
  c.more +=
      "test_accounts:\n  demo: { open_sessions: 1, slot_ttl: 15m, limits: { sessions: [ { rate: 1, per: 1h } ] } }\n";
}

std::map<unsigned, int> statuses(const std::vector<answer>& all) {
  std::map<unsigned, int> count;
  for (const auto& one : all) ++count[one.status];
  return count;
}

constexpr std::string_view key = "Idempotency-Key: \"one-and-the-same\"\r\n";

}  // namespace

TEST_CASE("A thousand equal creations at once make one session, and everybody gets it") {
  crowd c{many, on_a_test_account};
  c.slow_creations(R"({"latency":"1s"})");
  c.ask();
  const auto all = c.hear();
  CHECK(statuses(all) == std::map<unsigned, int>{{200, many - 1}, {201, 1}});
  const auto id = text_in(all.front().json(), "id");
  int reused = 0;
  for (const auto& one : all) {
    const auto session = one.json();
    CHECK(text_in(session, "id") == id);
    CHECK(one.header("Location") == std::string{sessions_path} + "/" + id);
    reused += session.at("gateway").at("reused").as_bool() ? 1 : 0;
  }
  CHECK(reused == many - 1);
  CHECK(c.creations() == 1);
}

TEST_CASE("A thousand creations with one key make one session and a thousand equal answers") {
  crowd c{many, on_a_test_account};
  c.slow_creations(R"({"latency":"1s"})");
  c.ask(key);
  const auto all = c.hear();
  CHECK(statuses(all) == std::map<unsigned, int>{{201, many}});
  int replayed = 0;
  for (const auto& one : all) {
    CHECK(one.body == all.front().body);
    CHECK(one.header("Location") == all.front().header("Location"));
    replayed += one.header("Idempotent-Replayed") == "true" ? 1 : 0;
  }
  CHECK(replayed == many - 1);
  CHECK(c.creations() == 1);
}

TEST_CASE("Where the one call fails midway everybody hears the same, and nothing is created again") {
  for (const auto headers : {std::string_view{}, key}) {
    CAPTURE(headers);
    crowd c{many, on_a_test_account};
    c.slow_creations(R"({"latency":"4s","reset_after_sent":25})");
    c.ask(headers);
    const auto all = c.hear();
    CHECK(statuses(all) == std::map<unsigned, int>{{502, many}});
    for (const auto& one : all) CHECK(text_in(one.json(), "upstream_effect") == "unknown");
    CHECK(c.creations() == 1);
    c.running->podero.order("DELETE", "/faults");
    const auto again = c.running->gateway.caller().call("POST", sessions_path, example_request,
                                                        std::string{json_body} + std::string{headers});
    // With a key it stays unknown; without one the test account has no slot and no permit.
    CHECK(again.status == (headers.empty() ? 429 : 502));
    CHECK(c.creations() == 1);
  }
}

TEST_CASE("Where the one call times out everybody hears so, and nothing is created again") {
  for (const auto headers : {std::string_view{}, key}) {
    CAPTURE(headers);
    crowd c{many, [](configuration& how) {
              on_a_test_account(how);
              how.timeouts = "{ total: 12s, connect: 5s, exchange: 8s }";
            }};
    c.slow_creations(R"({"latency":"30s"})");
    c.ask(headers);
    const auto all = c.hear();
    CHECK(statuses(all) == std::map<unsigned, int>{{504, many}});
    for (const auto& one : all) CHECK(text_in(one.json(), "upstream_effect") == "unknown");
    CHECK(c.creations() == 1);
  }
}

TEST_CASE("Where the first caller hangs up the others get the session that it began") {
  for (const auto headers : {std::string_view{}, key}) {
    CAPTURE(headers);
    crowd c{many, on_a_test_account};
    c.slow_creations(R"({"latency":"2s"})");
    auto first = std::optional{c.running->gateway.caller()};
    first->send(
        connection::request("POST", sessions_path, example_request, std::string{json_body} + std::string{headers}));
    REQUIRE(eventually([&] { return c.creations() == 1; }));
    c.ask(headers);
    first.reset();
    const auto all = c.hear();
    const auto seen = statuses(all);
    CHECK(seen.size() + (headers.empty() ? 0 : 1) <= 2);
    for (const auto& [status, count] : seen) CHECK((status == 200 || status == 201));
    CHECK(text_in(all.front().json(), "id") != "");
    for (const auto& one : all) CHECK(text_in(one.json(), "id") == text_in(all.front().json(), "id"));
    CHECK(c.creations() == 1);
  }
}

TEST_CASE("A slot is free again when its holder gives it back, and when the session is completed") {
  both_programs running{on_a_test_account};
  auto caller = running.gateway.caller();
  const auto first = create(caller, "Prefer: reuse=no\r\n");
  const auto location = first.header("Location");
  const auto account = caller.call("GET", "/v1/accounts/sandbox");
  CHECK(account.status == 200);
  CHECK(account.body.contains(text_in(first.json(), "id")));
  CHECK(running.gateway.metric(R"(onboarding_gateway_slots_held{test_account="demo"})") == 1);
  CHECK(caller.call("DELETE", location + "/slot").status == 204);
  CHECK(caller.call("DELETE", location + "/slot").status == 204);
  CHECK(running.gateway.metric(R"(onboarding_gateway_slots_held{test_account="demo"})") == 0);
}
