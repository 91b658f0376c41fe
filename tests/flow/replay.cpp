// Every example of proto-free-api, from the caller's bytes to Podero's and back, through the whole gateway.
#include <doctest/doctest.h>

#include <set>

#include "contract/examples.hpp"
#include "flow/world.hpp"
#include "onboarding/calendar.hpp"

namespace {

using namespace gateway;
using namespace gateway::flow;
using contract::example;
namespace bj = boost::json;

// Examples about circumstances that one request cannot bring about; the flows and unit tests named here have them.
const std::set<std::string> elsewhere{
    "create-session/overloaded",        // tests/unit/listener: connections beyond the limit
    "create-session/draining",          // flows.cpp: a drain ends what waits
    "create-session/upstream-timeout",  // below, in flows.cpp
};

std::string json_list(const bj::value& texts) {
  return bj::serialize(texts);
}

// The example's policy as a configuration. The digest is that of the examples' placeholder key.
std::string configuration_of(const example& e) {
  const auto* given = e.content.if_contains("policy");
  const auto policy = given != nullptr ? given->as_object() : bj::object{};
  std::string account;
  std::string caller;
  std::string test_account;
  for (const auto& member : policy) {
    const std::string name{member.key()};
    const auto text = bj::serialize(member.value());
    if (name == "account_defaults") account += "    defaults: " + text + "\n";
    if (name == "caller_defaults") caller += "    defaults: " + text + "\n";
    if (name == "languages") account += "    languages: " + json_list(member.value()) + "\n";
    if (name == "price_zones") account += "    price_zones: " + json_list(member.value()) + "\n";
    if (name == "redirect_hosts") caller += "    redirect_hosts: " + json_list(member.value()) + "\n";
    if (name == "unknown_members") account += "    unknown_members: " + text + "\n";
    if (name == "http_to_localhost") account += "    allow_http_redirects: " + text + "\n";
    if (name == "connect_base_url") account += "    connect: { base_url: " + text + " }\n";
    if (name == "limits") account += "    limits: " + text + "\n";
    if (name == "session_reuse") account += "    session_reuse: " + text + "\n";
    if (name == "require_idempotency_key") account += "    require_idempotency_key: " + text + "\n";
    if (name == "org_id") account += "    org_id: " + text + "\n";
    if (name == "devices") account += "    devices: " + text + "\n";
    if (name == "caller_limits") caller += "    limits: { sandbox: " + text + " }\n";
    if (name == "test_account") {
      account += "    test_account: demo\n";
      test_account = "test_accounts: { demo: " + text + " }\n";
    }
  }
  return R"(
accounts:
  production:
    base_url: https://podero.test/api/partners/v2.0
    token: { client_id: example-client, client_secret_file: /t/secret }
    tls: { ca_file: /t/ca.pem }
  sandbox:
    base_url: https://podero.test/api/partners/v2.0
    token: { client_id: example-client, client_secret_file: /t/secret }
    tls: { ca_file: /t/ca.pem }
)" + account +
         R"(callers:
  customer-portal:
    key_sha256: [ f3a00218a9ea5ccbc8e17ecbed3f98e21df2b324d7f61a3e21142aa6edcc9a9a ]
    accounts: [ sandbox ]
)" + caller +
         test_account;
}

std::string head_and_body(const bj::object& message, std::string first_line) {
  const auto body = contract::payload(message);
  std::string raw = std::move(first_line) + "\r\nHost: gateway.test\r\n";
  for (const auto& header : message.at("headers").as_object())
    raw += std::string{header.key()} + ": " + std::string{header.value().as_string()} + "\r\n";
  const bool announced = message.at("headers").as_object().contains("Content-Length");
  if (!announced && (!body.empty() || message.at("method") == "POST"))
    raw += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return raw + "\r\n" + body;
}

simulator::wire_script token_answer() {
  simulator::response r;
  r.headers.emplace_back("Content-Type", "application/json");
  r.body = R"({"access_token": "example-token-not-real", "expires_in": 36000, "token_type": "Bearer"})";
  return simulator::make_script(r, {});
}

simulator::wire_script answer_of(const bj::object& wanted) {
  simulator::response r;
  r.status = wanted.at("status").to_number<unsigned>();
  for (const auto& header : wanted.at("headers").as_object())
    r.headers.emplace_back(header.key(), header.value().as_string());
  r.body = contract::payload(wanted);
  return simulator::make_script(r, {});
}

void check_upstream_request(const example& e, const simulator::request& got) {
  const auto& wanted = e.upstream()->at("request").as_object();
  CHECK(got.method == std::string{wanted.at("method").as_string()});
  CHECK(got.target == std::string{wanted.at("path").as_string()});
  for (const auto& header : wanted.at("headers").as_object()) {
    CAPTURE(std::string{header.key()});
    const auto* value = simulator::find_header(got.headers, std::string{header.key()});
    REQUIRE(value != nullptr);
    CHECK(*value == std::string{header.value().as_string()});
  }
  // Nothing of the caller's headers goes further.
  for (const auto* name : {"X-Request-Id", "Cookie", "Forwarded", "baggage", "tracestate"})
    CHECK(simulator::find_header(got.headers, name) == nullptr);
  if (wanted.contains("body")) CHECK(bj::serialize(bj::parse(got.body)) == bj::serialize(wanted.at("body")));
}

void check_answer(const example& e, const answer& got) {
  const auto& wanted = e.at("response");
  CHECK(got.status == wanted.at("status").to_number<unsigned>());
  for (const auto& header : wanted.at("headers").as_object()) {
    std::string name{header.key()};
    CAPTURE(name);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto found = got.headers.find(name);
    REQUIRE(found != got.headers.end());
    CHECK(found->second == std::string{header.value().as_string()});
  }
  if (wanted.contains("body"))
    CHECK(bj::serialize(bj::parse(got.body)) == bj::serialize(wanted.at("body")));
  else
    CHECK(got.body == contract::payload(wanted));
}

TEST_CASE("every example is replayed through the whole gateway, Podero's side and the caller's") {
  std::size_t replayed = 0;
  for (const auto& e : contract::examples()) {
    if (elsewhere.contains(e.name)) continue;
    CAPTURE(e.name);
    int asked = 0;
    const bj::object* earlier = nullptr;  // whose turn it is, before the example itself
    world w{[&](const simulator::request& r) {
      if (r.target == "/oauth2/token/") return token_answer();
      if (earlier != nullptr) return answer_of(earlier->at("upstream").as_object());
      ++asked;
      REQUIRE(e.upstream() != nullptr);
      check_upstream_request(e, r);
      return answer_of(e.upstream()->at("response").as_object());
    }};
    const auto now = onboarding::earliest_expiry(std::string{e.content.at("now").as_string()}, {});
    REQUIRE(now.has_value());
    w.clock.jump_wall(*now - std::chrono::floor<std::chrono::seconds>(w.clock.wall_now()));
    w.start_gateway(configuration_of(e));
    if (const auto* before = e.content.if_contains("before")) {
      for (const auto& one : before->as_array()) {
        earlier = &one.as_object();
        const auto& said = one.at("request").as_object();
        const auto line = std::string{said.at("method").as_string()} + " " + std::string{said.at("path").as_string()};
        CHECK(w.ask(head_and_body(said, line + " HTTP/1.1")).status < 300);
      }
      earlier = nullptr;
    }
    const auto& request = e.at("request");
    const auto method = std::string{request.at("method").as_string()};
    const auto first_line = method + " " + std::string{request.at("path").as_string()} + " HTTP/1.1";
    auto peer = w.connect();
    CHECK(peer.say(head_and_body(request, first_line)));
    for (int i = 0; i < 20 && asked < 4; ++i) w.advance(std::chrono::milliseconds{0});
    auto heard = peer.heard();
    for (int i = 0; i < 100 && read_answers(heard).empty(); ++i) {
      w.advance(std::chrono::milliseconds{50});
      heard += peer.heard();
    }
    peer.leave();
    const auto got = read_answers(heard);
    REQUIRE(got.size() == 1);
    check_answer(e, got.front());
    CHECK((asked > 0) == (e.upstream() != nullptr));
    ++replayed;
  }
  CHECK(replayed + elsewhere.size() == contract::examples().size());
  CHECK(replayed > 50);
}

}  // namespace
