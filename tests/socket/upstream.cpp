// What may go wrong on the way to Podero, and what the caller and the operator learn of it.
#include "simulator/server/certificate.hpp"
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <cstdlib>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::scratch_folder;
namespace json = boost::json;

namespace {

struct outcome {
  std::string_view fault;  // the action of the next creation
  unsigned status;
  std::string_view name;
  std::string_view effect;
  std::string_view retry;
};

// Of the other kinds of certificates. The files live in the folder.
std::vector<std::string> presenting(const scratch_folder& folder, const simulator::identity& certificate) {
  return {"--certificate", folder.write("server.pem", certificate.certificate_pem), "--key",
          folder.write("server.key", certificate.key_pem)};
}

void check_unavailable(const answer& got) {
  INFO(got.body);
  CHECK(got.status == 503);
  const auto problem = got.json();
  CHECK(text_in(problem, "type") == "/problems/upstream-unavailable");
  CHECK(text_in(problem, "upstream_effect") == "none");
  CHECK(text_in(problem, "retry") == "later");
  CHECK(got.header("Retry-After") != "");
}

answer post_example(const running_gateway& to) {
  return to.caller().call("POST", sessions_path, example_request, json_body);
}

}  // namespace

TEST_CASE("Whatever Podero answers, or does not, has its problem, and the next request is served") {
  constexpr outcome outcomes[] = {
      {R"({"status":500})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"status":503,"after_work":true,"html":true})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"status":403})", 403, "upstream-forbidden", "none", "operator"},
      {R"({"status":404})", 422, "validation-failed", "none", "never"},
      {R"({"status":409})", 409, "upstream-conflict", "none", "never"},
      {R"({"reset_after_received":100})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"reset_after_sent":25})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"close_after_sent":0})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"truncate_body_to":10})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"garbage":true})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"body":"<html>","html":false})", 502, "upstream-error", "created", "same-key"},
      {R"({"endless_body":true})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"head_padding_kib":512})", 502, "upstream-error", "unknown", "same-key"},
      {R"({"latency":"60s"})", 504, "upstream-timeout", "unknown", "same-key"},
      {R"({"stall_after_sent":30})", 504, "upstream-timeout", "unknown", "same-key"},
  };
  std::vector<std::string> protocol;
  SUBCASE("over HTTP/1.1") {}
  SUBCASE("over HTTP/2") {
    protocol = {"--http2"};
  }
  both_programs running{[](auto& c) { c.timeouts = "{ total: 15s, connect: 5s, exchange: 3s }"; }, protocol};
  auto caller = running.gateway.caller();
  for (const auto& one : outcomes) {
    CAPTURE(one.fault);
    running.podero.order("POST", "/faults",
                         R"({"match":{"operation":"create","times":1},"action":)" + std::string{one.fault} + "}");
    const auto got = caller.call("POST", sessions_path, example_request, json_body);
    CAPTURE(got.body);
    CHECK(got.status == one.status);
    const auto problem = got.json();
    CHECK(text_in(problem, "type") == "/problems/" + std::string{one.name});
    CHECK(text_in(problem, "upstream_effect") == one.effect);
    CHECK(text_in(problem, "retry") == one.retry);
    CHECK(got.keep_alive);
    create(caller);
  }
}

TEST_CASE("Podero's 429 pauses the account, and everybody is told until when") {
  both_programs running;
  auto caller = running.gateway.caller();
  running.podero.order("POST", "/faults",
                       R"({"match":{"operation":"create","times":1},"action":{"status":429,"retry_after":60}})");
  for (int i = 0; i < 2; ++i) {
    CAPTURE(i);
    const auto got = caller.call("POST", sessions_path, example_request, json_body);
    CAPTURE(got.body);
    CHECK(got.status == 429);
    const auto problem = got.json();
    CHECK(text_in(problem, "type") == "/problems/rate-limited");
    CHECK(text_in(problem, "upstream_effect") == "none");
    CHECK(text_in(problem, "retry") == "later");
    CHECK(problem.at("decision").at("guard") == "pause");
    const auto after = std::stoi(std::string{got.header("Retry-After")});
    CHECK((after > 50 && after <= 60));
  }
  CHECK(running.podero.counter("creations") == 1);
}

TEST_CASE("A token that is revoked is replaced once, and the caller notices nothing") {
  both_programs running;
  auto caller = running.gateway.caller();
  create(caller);
  running.podero.order("POST", "/tokens/revoke");
  create(caller);
  CHECK(running.podero.counter("token_requests") == 2);
  CHECK(running.gateway.metric(R"(onboarding_gateway_retries_total{account="sandbox",reason="unauthorized"})") == 1);
}

TEST_CASE("Idle connections that Podero closes are dropped at once, and replaced without a failed request") {
  for (const std::string how : {"close", "reset"}) {
    CAPTURE(how);
    // A gateway of its own for each: from the first close it learns to let connections rest for less, and might end the
    // next one itself before Podero does.
    both_programs running;
    auto caller = running.gateway.caller();
    create(caller);
    running.podero.order("POST", "/connections/close", R"({"how":")" + how + R"("})");
    // Counted, since the pool may have opened the next one ahead of need before anybody looks.
    REQUIRE(eventually([&] {
      return running.gateway.metric(
                 R"(onboarding_gateway_upstream_connections_ended_total{account="sandbox",reason="server_closed"})") >
             0;
    }));
    create(caller);
  }
}

TEST_CASE("Refused credentials stop nothing but the account, and a replaced secret brings it back by itself") {
  scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  folder.write("client-secret", "another-secret-not-real\n");
  running_gateway gateway{how};

  const auto ready = get(gateway.admin(), "/readyz?verbose");
  CHECK(ready.status == 200);
  CHECK(ready.body.contains(R"({"name":"account sandbox","passing":true,"detail":"has no token)"));
  CHECK(gateway.metric(R"(onboarding_gateway_account_ready{account="sandbox"})") == 0);
  CHECK(gateway.process().line_with("credentials refused").contains("invalid_client"));

  const auto refused = post_example(gateway);
  CHECK(refused.status == 502);
  const auto problem = refused.json();
  CHECK(text_in(problem, "type") == "/problems/upstream-unauthorized");
  CHECK(text_in(problem, "upstream_effect") == "none");
  CHECK(text_in(problem, "retry") == "operator");
  CHECK(text_in(problem, "detail").contains("accounts.sandbox.token"));

  folder.replace("client-secret", std::string{client_secret} + "\n");
  CHECK(eventually([&] { return post_example(gateway).status == 201; }));
  CHECK(gateway.metric(R"(onboarding_gateway_account_ready{account="sandbox"})") == 1);
  CHECK(get(gateway.admin(), "/readyz?verbose").body.contains("has a token"));
}

TEST_CASE("A certificate for another host is refused, and the log names its subject") {
  scratch_folder folder;
  const auto authority = simulator::make_authority("Test CA");
  running_simulator podero{
      presenting(folder, simulator::make_certificate(authority, {.host_names = {"elsewhere.test"}}))};
  auto how = configuration::of(podero, folder);
  how.ca_file = folder.write("ca.pem", authority.certificate_pem);
  running_gateway gateway{how};
  const auto line = gateway.process().line_with("token renewal failed");
  CHECK(line.contains("the server's certificate was refused: hostname mismatch"));
  CHECK(line.contains("/CN=elsewhere.test"));
  check_unavailable(post_example(gateway));
  CHECK(podero.counter("requests") == 0);
}

TEST_CASE("A certificate of an unknown authority is refused, and the log names its subject") {
  scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.ca_file = folder.write("ca.pem", simulator::make_authority("Another CA").certificate_pem);
  running_gateway gateway{how};
  const auto line = gateway.process().line_with("token renewal failed");
  CHECK(line.contains("the server's certificate was refused: unable to get local issuer certificate"));
  CHECK(line.contains("/CN=localhost"));
  check_unavailable(post_example(gateway));
  CHECK(podero.counter("requests") == 0);
}

TEST_CASE("An expired certificate is refused, and the log says so") {
  using namespace std::chrono_literals;
  scratch_folder folder;
  const auto authority = simulator::make_authority("Test CA");
  const auto now = std::chrono::system_clock::now();
  running_simulator podero{
      presenting(folder, simulator::make_certificate(authority, {.valid = {now - 48h, now - 24h}}))};
  auto how = configuration::of(podero, folder);
  how.ca_file = folder.write("ca.pem", authority.certificate_pem);
  running_gateway gateway{how};
  CHECK(gateway.process()
            .line_with("token renewal failed")
            .contains("the server's certificate was refused: certificate has expired"));
  check_unavailable(post_example(gateway));
}

TEST_CASE("A certificate that vouches for itself is refused, and the log names its subject") {
  scratch_folder folder;
  running_simulator podero{presenting(folder, simulator::make_self_signed())};
  auto how = configuration::of(podero, folder);
  how.ca_file = folder.write("ca.pem", simulator::make_authority("Test CA").certificate_pem);
  running_gateway gateway{how};
  const auto line = gateway.process().line_with("token renewal failed");
  CHECK(line.contains("the server's certificate was refused: self-signed certificate"));
  CHECK(line.contains("/CN=localhost"));
  check_unavailable(post_example(gateway));
}

TEST_CASE("Without ca_file the system's store decides whom to trust") {
  // OpenSSL takes the place of the system's store from this variable.
  struct store {
    explicit store(const std::string& file) { ::setenv("SSL_CERT_FILE", file.c_str(), 1); }
    ~store() { ::unsetenv("SSL_CERT_FILE"); }
  };
  scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  const auto ca_file = std::exchange(how.ca_file, "");
  {
    const store trusting{ca_file};
    running_gateway gateway{how};
    CHECK(post_example(gateway).status == 201);
  }
  const store distrusting{folder.write("other.pem", simulator::make_authority("Another CA").certificate_pem)};
  running_gateway gateway{how};
  CHECK(gateway.process().line_with("token renewal failed").contains("unable to get local issuer certificate"));
  check_unavailable(post_example(gateway));
}

TEST_CASE("Where only the API's server shows a wrong certificate, a creation has no effect, and the log says why") {
  scratch_folder folder;
  running_simulator tokens;
  const auto authority = simulator::make_authority("Test CA");
  running_simulator podero{
      presenting(folder, simulator::make_certificate(authority, {.host_names = {"elsewhere.test"}}))};
  auto how = configuration::of(podero, folder);
  how.token_url = tokens.origin() + "/oauth2/token/";
  how.ca_file = folder.write("ca.pem", authority.certificate_pem + tokens.authority_pem());
  running_gateway gateway{how};
  gateway.process().line_with("token renewed");

  const auto got = post_example(gateway);
  CHECK(got.status == 502);
  CHECK(text_in(got.json(), "type") == "/problems/upstream-error");
  CHECK(text_in(got.json(), "upstream_effect") == "none");
  const auto line = gateway.process().line_with("upstream connection failed");
  CHECK(line.contains("hostname mismatch"));
  CHECK(line.contains("/CN=elsewhere.test"));
  CHECK(podero.counter("requests") == 0);
}

TEST_CASE("An address where nobody listens is named in the log, and creations are refused until somebody does") {
  scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.base_url = "https://localhost:1/api/partners/v2.0";
  running_gateway gateway{how};
  CHECK(gateway.process().line_with("token renewal failed").contains("localhost:1: Connection refused"));
  check_unavailable(post_example(gateway));
}

TEST_CASE("An account whose name servers are silent delays no other one") {
  scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.account_more =
      "  elsewhere:\n    base_url: https://podero.silent.test/api/partners/v2.0\n"
      "    token: { client_id: some-id, client_secret_file: " +
      how.secret_file + " }\n";
  how.environment = {"LD_PRELOAD=" SILENCE_LIBRARY};
  how.wait_until_ready = false;  // which is later, for `elsewhere`
  running_gateway gateway{how};
  CHECK(post_example(gateway).status == 201);
}
