// The programs and a Redis that wants a certificate, a password and a user; one by its Unix socket; one that forgets.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "socket/podero_log.hpp"
#include "support/certificates.hpp"
#include "support/redis_server.hpp"

using namespace gateway::socket_tests;
using namespace std::chrono_literals;
using gateway::support::eventually;
using gateway::support::redis_server;

namespace {

constexpr auto password = "example-password-not-real";

std::string shared_state(const std::string& redis) {
  // Not the 50 ms of the default: a machine that is busy with other tests is no sick store.
  return "shared_state: { store: redis, max_replicas: 2, redis: " + redis.substr(0, redis.rfind('}')) +
         ", timeout: 1s } }\n";
}

// Two replicas of one configuration, and the simulator.
struct two_replicas {
  explicit two_replicas(const std::string& redis, const std::string& account = "") {
    auto how = configuration::of(podero, folder);
    how.account_more = account;
    how.more = shared_state(redis);
    first.emplace(how);
    second.emplace(how);
  }
  gateway::support::scratch_folder folder;
  running_simulator podero;
  std::optional<running_gateway> first;
  std::optional<running_gateway> second;
};

// A Redis with a user besides the default one.
std::string of_user(const redis_server& redis, const gateway::support::scratch_folder& files) {
  return "{ url: \"redis://localhost/0\", unix_socket: " + redis.unix_path() +
         ", username: gateway, password_file: " + files.write("password", password) + " }";
}

void allow(const redis_server& redis, std::vector<std::string> rules) {
  std::vector<std::string> command{"ACL", "SETUSER", "gateway", "on", std::string{">"} + password};
  command.insert(command.end(), rules.begin(), rules.end());
  REQUIRE(redis.ask(command) == "OK");
}

void check_that_one_key_makes_one_session(const two_replicas& both) {
  const auto headers = std::string{json_body} + "Idempotency-Key: \"order-1\"\r\n";
  const auto made = both.first->caller().call("POST", sessions_path, example_request, headers);
  CHECK(made.status == 201);
  const auto again = both.second->caller().call("POST", sessions_path, example_request, headers);
  CHECK(again.status == 201);
  CHECK(again.header("Idempotent-Replayed") == "true");
  CHECK(again.body == made.body);
  CHECK(again.header("Location") == made.header("Location"));
  const auto other = both.second->caller().call("POST", sessions_path, body_for(7), headers);
  CHECK(other.status == 422);
  CHECK(both.podero.counter("creations") == 1);
  CHECK(both.podero.counter("token_requests") == 1);
}

}  // namespace

TEST_CASE("Over TLS, with a password and a user of the server's ACL, replicas share keys and the token") {
  const auto& made = gateway::support::certificates();
  redis_server redis{{.certificate_pem = made.server.certificate_pem, .key_pem = made.server.key_pem}};
  redis.ask({"ACL", "SETUSER", "gateway", "on", std::string{">"} + password, "~onboarding-gateway:*",
             "&onboarding-gateway:*", "+@all", "-@dangerous", "+info"});
  const gateway::support::scratch_folder files;
  const two_replicas both{"{ url: \"rediss://localhost:" + std::to_string(redis.tls_port()) +
                          "\", username: gateway, password_file: " + files.write("password", password) +
                          ", ca_file: " + files.write("ca.pem", made.authority.certificate_pem) + " }"};
  check_that_one_key_makes_one_session(both);
  CHECK(both.first->metric(R"(onboarding_gateway_store_mode{mode="shared"})") == 1);
  // It writes nothing to disk.
  CHECK(
      eventually([&] { return both.first->metric(R"(onboarding_gateway_store_unsafe{setting="appendonly"})") == 1; }));
  for (const auto* one : {&*both.first, &*both.second})
    CHECK_FALSE(get(one->admin(), "/config").body.contains(password));
}

TEST_CASE("Over a Unix socket") {
  redis_server redis;
  const two_replicas both{"{ url: \"redis://localhost/0\", unix_socket: " + redis.unix_path() + " }"};
  check_that_one_key_makes_one_session(both);
}

TEST_CASE("A session that one replica made is given back at another one, and not reused from then on") {
  redis_server redis;
  const two_replicas both{"{ url: \"redis://localhost/0\", unix_socket: " + redis.unix_path() + " }",
                          "    session_reuse: 10m\n"};
  auto here = both.first->caller();
  auto there = both.second->caller();
  const auto id = text_in(create(here).json(), "id");
  const auto slot = std::string{sessions_path} + "/" + id + "/slot";
  for (int i = 0; i < 2; ++i) CHECK(there.call("DELETE", slot).status == 204);
  CHECK(eventually([&] { return there.call("POST", sessions_path, example_request, json_body).status == 201; }));
  CHECK(both.podero.counter("creations") == 2);
}

TEST_CASE("Without the store a keyed request is refused within its time, and nothing is sent; one without is served") {
  redis_server redis;
  two_replicas both{"{ url: \"redis://localhost/0\", unix_socket: " + redis.unix_path() + " }"};
  auto caller = both.first->caller();
  create(caller);
  redis.pause();
  const auto began = std::chrono::steady_clock::now();
  const auto keyed =
      caller.call("POST", sessions_path, example_request, std::string{json_body} + "Idempotency-Key: \"order-2\"\r\n");
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  CHECK(keyed.status == 503);
  CHECK(text_in(keyed.json(), "type") == "/problems/store-unavailable");
  CHECK(text_in(keyed.json(), "upstream_effect") == "none");
  CHECK(text_in(keyed.json().at("decision"), "guard") == "store");
  CHECK(both.podero.counter("creations") == 1);
  // The account has no window, so that nothing has to be counted for it.
  create(caller);
  CHECK(eventually([&] { return both.first->metric(R"(onboarding_gateway_store_mode{mode="degraded"})") == 1; }));
  CHECK(get(both.first->admin(), "/readyz").status == 200);
  CHECK(get(both.first->admin(), "/readyz?verbose").body.contains("is away"));
  redis.resume();
  CHECK(eventually([&] { return both.first->metric(R"(onboarding_gateway_store_mode{mode="shared"})") == 1; }));
  CHECK(caller.call("POST", sessions_path, example_request, std::string{json_body} + "Idempotency-Key: \"order-2\"\r\n")
            .status == 201);
}

TEST_CASE("Without the store nothing goes to a test account") {
  redis_server redis;
  auto how = std::string{"    test_account: demo\n"};
  gateway::support::scratch_folder folder;
  running_simulator podero;
  auto configured = configuration::of(podero, folder);
  configured.account_more = how;
  configured.more = "test_accounts: { demo: {} }\n" +
                    shared_state("{ url: \"redis://localhost/0\", unix_socket: " + redis.unix_path() + " }");
  const running_gateway gateway{configured};
  redis.kill();
  CHECK(eventually([&] { return gateway.metric(R"(onboarding_gateway_store_mode{mode="degraded"})") == 1; }));
  const auto refused = gateway.caller().call("POST", sessions_path, example_request, json_body);
  CHECK(refused.status == 503);
  CHECK(text_in(refused.json(), "type") == "/problems/store-unavailable");
  CHECK(refused.header("Retry-After") != "");
  CHECK(podero.counter("creations") == 0);
  // And nowhere does it look as if there were room.
  CHECK(gateway.metric(R"(onboarding_gateway_degraded_share_seconds{account="sandbox"})") == 0);
  CHECK(gateway.metric(R"(onboarding_gateway_permits_remaining{account="sandbox",window="sessions-24h"})") == 0);
  CHECK(gateway.metric(R"(onboarding_gateway_permits_next_seconds{account="sandbox",window="sessions-24h"})") < 3);
  CHECK(get(gateway.admin(), "/status").body.contains("nothing is sent until the shared store is back"));
}

TEST_CASE("What Redis refuses is in the log in its own words") {
  redis_server redis;
  allow(redis, {"+@all", "-zadd", "~*", "&*"});
  const gateway::support::scratch_folder files;
  two_replicas both{of_user(redis, files)};
  const auto refused = both.first->caller().call("POST", sessions_path, example_request,
                                                 std::string{json_body} + "Idempotency-Key: \"order-1\"\r\n");
  CHECK(refused.status == 503);
  const auto line = both.first->process().line_with("the shared store answers with an error");
  CHECK(line.contains(R"("command":"key_claim")"));
  CHECK(line.contains(R"("reason":")"));
  // And that keys are not served is nowhere said to be well.
  CHECK(both.first->metric(R"(onboarding_gateway_store_mode{mode="degraded"})") == 1);
  CHECK(get(both.first->admin(), "/readyz?verbose").body.contains("answers with errors"));
  const auto page = get(both.first->admin(), "/status").json();
  CHECK(text_in(page, "state") == "outage");
  CHECK(text_in(page.at("concerns").as_array().front(), "alert") == "OnboardingGatewayStoreDegraded");
  CHECK(both.second->metric(R"(onboarding_gateway_store_mode{mode="shared"})") == 1);
  allow(redis, {"+zadd"});
  CHECK(both.first->caller()
            .call("POST", sessions_path, example_request, std::string{json_body} + "Idempotency-Key: \"order-2\"\r\n")
            .status == 201);
  CHECK(both.first->metric(R"(onboarding_gateway_store_mode{mode="shared"})") == 1);
}

// As Redis 7 makes a user, unless it is told otherwise.
TEST_CASE("Where a user may use no channel everything works, only later, and it is said once") {
  redis_server redis;
  allow(redis, {"+@all", "~*", "resetchannels"});
  const gateway::support::scratch_folder files;
  two_replicas both{of_user(redis, files)};
  CHECK(both.first->process().line_with("the shared store refuses hints").contains("NOPERM"));
  check_that_one_key_makes_one_session(both);
  auto here = both.first->caller();
  auto there = both.second->caller();
  const auto id = text_in(create(here).json(), "id");
  const auto wait = std::string{sessions_path} + "/" + id;
  // Each of them has somebody who waits, and one of them polls.
  for (auto* const one : {&here, &there}) one->send(connection::request("GET", wait, "", "Prefer: wait=20\r\n"));
  both.podero.order("POST", "/sessions/" + id + "/complete");
  CHECK(here.receive().status == 200);
  CHECK(there.receive().status == 200);
  for (auto* const one : {&*both.first, &*both.second}) {
    const auto said = one->process().output();
    const auto first = said.find("the shared store refuses hints");
    CHECK(first != std::string::npos);
    CHECK(said.find("the shared store refuses hints", first + 1) == std::string::npos);
    CHECK_FALSE(said.contains("the shared store answers with an error"));
  }
}
