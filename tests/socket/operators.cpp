// What operators see, and what nobody may see.
#include "contract/examples.hpp"
#include "contract/schema_check.hpp"
#include "socket/collector.hpp"
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <boost/json.hpp>

#include <algorithm>
#include <csignal>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::run;
using gateway::support::scratch_folder;

namespace {

// Not the one of the documented example, which problems show to explain what a UUID is.
const std::string user = "6f1c9c2e-0d5b-4c8e-9a35-3f0c7f6b1d24";
const std::string creation = R"({"language": "de", "price_zone_default": "AT", "success_url": "https://a.example/s",)"
                             R"("cancel_url": "https://a.example/c", "user_id": ")" +
                             user + R"("})";

std::string base64(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  out.pop_back();
  return out;
}

// Members stand in the order in which the schema requires them.
void check_order(const boost::json::value& value, const boost::json::value& schema) {
  if (const auto* items = value.if_array()) {
    for (const auto& item : *items) check_order(item, schema.at("items"));
    return;
  }
  if (!value.is_object()) return;
  boost::json::array names;
  for (const auto& member : value.get_object()) {
    names.push_back(boost::json::value(member.key()));
    check_order(member.value(), schema.at("properties").at(member.key()));
  }
  CHECK(boost::json::value(names) == schema.at("required"));
}

// Everything that the operators' listener shows.
std::string all_pages(const running_gateway& of) {
  std::string all;
  for (const auto* page :
       {"/", "/status", "/metrics", "/livez?verbose", "/readyz?verbose", "/startupz?verbose", "/config", "/nowhere"})
    all += get(of.admin(), page).body;
  return all;
}

void check_hides(const std::string& text, const std::vector<std::string>& secrets) {
  for (const auto& secret : secrets) {
    const auto at = text.find(secret);
    const auto around = at == std::string::npos ? "" : text.substr(at < 100 ? 0 : at - 100, 200);
    CAPTURE(around);
    CHECK(at == std::string::npos);
  }
}

// Requests of every kind, good and bad; what is answered to them, without what belongs to the caller anyway.
std::string exercise(const running_gateway& gateway, const std::string& key) {
  std::string problems;
  auto over = gateway.caller();
  const auto try_one = [&](std::string_view method, std::string_view target, std::string_view body,
                           const std::string& headers) {
    const auto got = over.call(method, target, body, headers);
    if (got.status >= 400) problems += got.head + got.body;
  };
  const std::string json{json_body};
  for (const auto& headers : {key, std::string{"Authorization: Bearer another-key-not-real\r\n"}, std::string{}}) {
    try_one("POST", sessions_path, creation, json + headers);
    try_one("POST", sessions_path, "{", json + headers);
    try_one("POST", sessions_path, R"({"user_id": 1})", json + headers);
    try_one("POST", sessions_path, creation, json + headers + "Idempotency-Key: example-key-not-real\r\n");
    try_one("GET", "/v1/accounts/sandbox/" + user + "?token=" + user, "", headers);
    try_one("GET", std::string{sessions_path} + "/497f6eca-6276-4993-bfeb-53cbbbba6f08", "", headers);
    try_one("DELETE", sessions_path, "", headers);
  }
  return problems;
}

}  // namespace

TEST_CASE("promtool finds nothing wrong with the metrics, before and after requests of every kind") {
  const both_programs running;
  REQUIRE_MESSAGE(run("/bin/sh", {"-c", "command -v promtool"}).code == 0,
                  "promtool is not installed (Debian package: prometheus; tests/scripts/install-packages test)");
  for (const bool used : {false, true}) {
    CAPTURE(used);
    if (used) exercise(running.gateway, "");
    const auto metrics = get(running.gateway.admin(), "/metrics");
    CHECK(metrics.status == 200);
    CHECK(metrics.header("Content-Type").starts_with("text/plain; version=0.0.4"));
    CHECK(metrics.body.contains("\nprocess_cpu_seconds_total "));
    CHECK(metrics.body.contains("\nonboarding_gateway_requests_total{") == used);
    const auto file = running.folder.write("metrics", metrics.body);
    const auto checked = run("/bin/sh", {"-c", "promtool check metrics < " + file});
    CHECK(checked.code == 0);
    CHECK(checked.output == "");
    CHECK(checked.errors == "");
  }
}

TEST_CASE("Health, readiness and start are answered in JSON, with every check on request") {
  const both_programs running;
  const auto admin = running.gateway.admin();
  for (const auto* page : {"/livez", "/readyz", "/startupz"}) {
    CAPTURE(page);
    const auto got = get(admin, page);
    CHECK(got.status == 200);
    CHECK(got.header("Content-Type") == "application/json");
    CHECK(got.body == "{\"status\":\"ok\",\"checks\":[]}\n");
  }
  CHECK(get(admin, "/readyz?verbose").body ==
        R"({"status":"ok","checks":[{"name":"configuration","passing":true,"detail":"loaded"},)"
        R"({"name":"draining","passing":true,"detail":"no"},)"
        R"({"name":"account sandbox","passing":true,"detail":"has a token"}]})"
        "\n");
  CHECK(get(admin, "/livez?verbose").json().at("checks").at(0).at("passing") == true);
  CHECK(get(admin, "/nowhere").status == 404);
  CHECK(connection{admin}.call("POST", "/livez").status == 405);
}

TEST_CASE("While Podero does not answer, readiness waits for the first attempt, and liveness does not") {
  const scratch_folder folder;
  running_simulator podero;
  podero.order("POST", "/faults", R"({"match":{"operation":"token","times":1},"action":{"latency":"1s"}})");
  auto how = configuration::of(podero, folder);
  how.wait_until_ready = false;
  running_gateway gateway{how};
  const auto ready = get(gateway.admin(), "/readyz");
  CHECK(ready.status == 503);
  CHECK(
      ready.body ==
      R"({"status":"failing","checks":[{"name":"account sandbox","passing":false,"detail":"waits for its first token"}]})"
      "\n");
  CHECK(get(gateway.admin(), "/startupz").status == 503);
  CHECK(get(gateway.admin(), "/livez").status == 200);
  CHECK(eventually([&] { return get(gateway.admin(), "/readyz").status == 200; }));
}

TEST_CASE("The configuration is shown with its secrets masked") {
  both_programs running{[](auto& c) {
    c.account_more =
        "  other:\n    base_url: https://localhost:1/api\n"
        "    token: { client_id: an-id-not-real, client_secret: another-secret-not-real }\n";
  }};
  const auto shown = get(running.gateway.admin(), "/config");
  CHECK(shown.status == 200);
  CHECK(shown.body.contains("client_secret: \"********\""));
  CHECK(shown.body.contains("client_secret_file: \"" + running.folder.path("client-secret") + "\""));
  check_hides(shown.body, {"another-secret-not-real", "an-id-not-real", std::string{client_secret}});
}

TEST_CASE("The status says who holds the slots of a test account, what is left of its windows, and names no user") {
  both_programs running{[](auto& c) {
    c.account_more = "    test_account: demo\n";
    c.more += "test_accounts:\n  demo: { open_sessions: 2, limits: { sessions: [ { rate: 1, per: 1h } ] } }\n";
  }};
  auto caller = running.gateway.caller();
  const auto made = create(caller);
  const auto shown = get(running.gateway.admin(), "/status");
  CHECK(shown.status == 200);
  const auto account = shown.json().at("accounts").at(0).as_object();
  CHECK(account.at("name") == "sandbox");
  CHECK(account.at("windows").at(0).at("name") == "sessions-1h");
  CHECK(account.at("windows").at(0).at("remaining") == 0);
  CHECK(account.at("circuit") == "closed");
  CHECK(account.at("token").at("usable") == true);
  const auto& slots = account.at("slots").as_object();
  CHECK(slots.at("total") == 2);
  REQUIRE(slots.at("held").as_array().size() == 1);
  CHECK(slots.at("held").at(0).at("session").as_string() == text_in(made.json(), "id"));
  CHECK(slots.at("held").at(0).at("holders").at(0) == "anonymous");
  CHECK_FALSE(shown.body.contains("a169451c-8525-4352-b8ca-070dd449a1a5"));
}

TEST_CASE("The status is by its schema, in its order, before and after requests of every kind") {
  both_programs running{[](auto& c) {
    c.account_more = "    test_account: demo\n";
    c.more += "test_accounts:\n  demo: { open_sessions: 2, limits: { sessions: [ { rate: 1, per: 1h } ] } }\n";
  }};
  const auto schema =
      boost::json::parse(gateway::contract::read_file(gateway::contract::folder() / "schemas" / "status.json"));
  for (const bool used : {false, true}) {
    CAPTURE(used);
    if (used) exercise(running.gateway, "");
    const auto shown = get(running.gateway.admin(), "/status").json();
    for (const auto& fault : gateway::contract::schema_faults(shown, "status.json")) FAIL_CHECK(fault);
    check_order(shown, schema);
    CHECK(shown.at("problems").as_array().empty() != used);
    CHECK(shown.at("state") == (used ? "limited" : "calm"));
    CHECK(shown.at("callers").at(0).at("name") == "anonymous");
    CHECK(shown.at("callers").at(0).at("served").to_number<int>() == (used ? 1 : 0));
  }
  // The window of an hour is used up, and the document says so in words.
  const auto concerns = get(running.gateway.admin(), "/status").json().at("concerns");
  CHECK(concerns.at(0).at("alert") == "OnboardingGatewayTestAccountExhausted");
}

TEST_CASE("The page may run what it came with, ask this listener, and nothing else") {
  const both_programs running;
  const auto page = get(running.gateway.admin(), "/");
  CHECK(page.status == 200);
  CHECK(page.header("Content-Type") == "text/html; charset=utf-8");
  CHECK(page.header("X-Content-Type-Options") == "nosniff");
  const auto policy = page.header("Content-Security-Policy");
  CHECK(policy.starts_with("default-src 'none'; connect-src 'self'; img-src data:; style-src 'sha256-"));
  CHECK(policy.contains("; script-src 'sha256-"));
  CHECK_FALSE(policy.contains("unsafe"));
  CHECK(policy.ends_with("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
  // Nothing of it leads elsewhere, but to the name of SVG.
  for (auto at = page.body.find("http"); at != std::string::npos; at = page.body.find("http", at + 1))
    CHECK(page.body.substr(at, 26) == "http://www.w3.org/2000/svg");
}

TEST_CASE("No secret shows in the log, on a page of the operators or in a problem, whatever happened") {
  const std::string secret = "example+secret not:real";
  const std::string encoded = "example%2Bsecret+not%3Areal";
  const auto portal = make_caller_key("portal");
  const scratch_folder folder;
  running_simulator podero{{"--client-secret-file", folder.write("its-secret", secret)}};
  auto how = configuration::of(podero, folder);
  folder.write("client-secret", secret + "\n");
  how.log = "{ level: debug, format: json }";
  const collector traces;
  how.more = portal.yaml + "    accounts: [ sandbox ]\n" + traces.yaml(", sample_ratio: 1.0");
  running_gateway gateway{how};

  auto seen = exercise(gateway, portal.header());
  podero.order("POST", "/tokens/revoke");
  for (const std::string fault : {R"({"status":500})", R"({"garbage":true})", R"({"status":401})"}) {
    podero.order("POST", "/faults", R"({"match":{"operation":"create","times":2},"action":)" + fault + "}");
    seen += exercise(gateway, portal.header());
  }
  seen += all_pages(gateway);
  gateway.process().signal(SIGTERM);
  REQUIRE(gateway.process().end() == 0);
  seen += gateway.process().output() + gateway.process().errors();
  seen += traces.accepted_text();
  CHECK(seen.contains("upstream-error"));
  CHECK(seen.contains("\"resourceSpans\""));
  CHECK(seen.contains("\"audit\":true"));
  CHECK(seen.contains("unauthenticated"));

  auto basic = base64(std::string{client_id} + ":" + encoded);
  while (basic.ends_with('=')) basic.pop_back();
  check_hides(seen,
              {secret, encoded, basic, "Basic ", portal.key, "another-key-not-real", "example-key-not-real", user});
}

TEST_CASE("A token that Podero refuses does not show either") {
  const scratch_folder folder;
  running_simulator podero;
  podero.order("POST", "/faults",
               R"({"match":{"operation":"token"},"action":{"body":)"
               R"({"access_token":"example-token-not-real","expires_in":36000,"token_type":"Bearer"}}})");
  auto how = configuration::of(podero, folder);
  how.log = "{ level: debug, format: text }";
  running_gateway gateway{how};
  auto seen = exercise(gateway, "");
  CHECK(seen.contains("upstream-unauthorized"));
  CHECK(podero.counter("creations") >= 1);
  seen += all_pages(gateway);
  gateway.process().signal(SIGTERM);
  REQUIRE(gateway.process().end() == 0);
  seen += gateway.process().output() + gateway.process().errors();
  check_hides(seen, {"example-token-not-real", std::string{client_secret}, "Basic "});
}
