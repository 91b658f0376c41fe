#include "admission/directory.hpp"

#include "admission/key.hpp"

#include <boost/json/serialize.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace gateway;
using admission::directory;

namespace {

settings::configuration two_accounts() {
  settings::configuration c;
  c.accounts["production"].defaults = {{"language", "de"}, {"price_zone_default", "AT"}};
  c.accounts["sandbox"];
  return c;
}

// customer-portal has the key "portal-key" and both accounts, tool has "tool-key" and the sandbox.
directory with_callers() {
  auto c = two_accounts();
  auto& portal = c.callers["customer-portal"];
  portal.key_sha256 = {admission::digest_of("older-key"), admission::digest_of("portal-key")};
  portal.certificate_san = {"Portal.internal", "spiffe://example.internal/Portal"};
  portal.accounts = {"sandbox", "production"};
  portal.weight = 4;
  portal.limits["sandbox"].open_sessions = 1;
  portal.redirect_hosts.patterns.push_back(*settings::host_pattern::parse("*.my-customerportal.com"));
  portal.defaults = {{"language", "en"}, {"cancel_url", "https://a.my-customerportal.com/"}};
  auto& tool = c.callers["tool"];
  tool.key_sha256 = {admission::digest_of("tool-key")};
  tool.accounts = {"sandbox"};
  auto& batch = c.callers["batch"];
  batch.certificate_san = {"batch.internal"};
  batch.accounts = {"sandbox"};
  return directory{std::make_shared<const settings::configuration>(std::move(c))};
}

directory anonymous() {
  return directory{std::make_shared<const settings::configuration>(two_accounts())};
}

auto with_key(const directory& all, std::optional<std::string_view> header) {
  return all.authenticate({.authorization = header, .certificate = {}});
}

errors::failure refusal(const directory& all, std::optional<std::string_view> header) {
  const auto who = with_key(all, header);
  REQUIRE_FALSE(who);
  return who.error();
}

}  // namespace

TEST_CASE("A caller is known by any of its keys") {
  const auto all = with_callers();
  REQUIRE(with_key(all, "Bearer portal-key"));
  CHECK((*with_key(all, "Bearer portal-key"))->name == "customer-portal");
  CHECK((*with_key(all, "Bearer older-key"))->name == "customer-portal");
  CHECK((*with_key(all, "Bearer tool-key"))->name == "tool");
}

TEST_CASE("The scheme is read in any case and with any space around it") {
  const auto all = with_callers();
  for (const auto* header :
       {"bearer tool-key", "BEARER tool-key", "Bearer   tool-key", " Bearer tool-key ", "Bearer\ttool-key"}) {
    CAPTURE(header);
    CHECK(with_key(all, header).has_value());
  }
}

TEST_CASE("Every refusal is a 401 with the challenge and names the header") {
  const auto all = with_callers();
  const std::string overlong = "Bearer " + std::string(513, 'a');
  const std::array<std::pair<std::optional<std::string_view>, std::string_view>, 10> cases{
      {{std::nullopt, "missing"},
       {"", "missing"},
       {"  ", "missing"},
       {"Bearer", "missing"},
       {"Bearer ", "missing"},
       {"Basic dG9vbC1rZXk=", "wrong-scheme"},
       {"Bearertool-key", "wrong-scheme"},
       {"Bearer tool-key tool-key", "malformed"},
       {std::string_view{overlong}, "malformed"},
       {"Bearer Tool-key", "unknown-key"}}};
  for (const auto& [header, code] : cases) {
    CAPTURE(header.value_or("none"));
    const auto f = refusal(all, header);
    CHECK(f.id == errors::problem::unauthenticated);
    CHECK(f.effect == errors::effect::none);
    CHECK(f.extra_header == "WWW-Authenticate: Bearer");
    REQUIRE(f.faults.size() == 1);
    CHECK(f.faults[0].where == errors::fault::place::header);
    CHECK(f.faults[0].name == "Authorization");
    CHECK(f.faults[0].code == code);
    CHECK_FALSE(f.detail.empty());
  }
}

TEST_CASE("A refusal shows nothing of what was presented") {
  const auto all = with_callers();
  for (const auto* header : {"Bearer example-secret-not-real", "Digest example-secret-not-real",
                             "example-secret-not-real", "Bearer example-secret-not-real\x01"}) {
    const auto body = errors::render(refusal(all, header), "id");
    CHECK(body.find("example-secret-not-real") == std::string::npos);
  }
}

TEST_CASE("Without callers everybody is anonymous and may use every account") {
  const auto all = anonymous();
  for (const auto& header : {std::optional<std::string_view>{}, std::optional<std::string_view>{"Basic eDp5"}}) {
    const auto who = with_key(all, header);
    REQUIRE(who);
    CHECK((*who)->name == "anonymous");
    CHECK((*who)->anonymous);
    CHECK((*who)->index == 0);
    CHECK((*who)->weight == 1);
    const auto policy = all.authorize(**who, "production");
    REQUIRE(policy);
    CHECK(boost::json::serialize((*policy)->defaults) == R"({"language":"de","price_zone_default":"AT"})");
    CHECK((*policy)->redirect_hosts->matches("anything.example"));
    CHECK(all.authorize(**who, "sandbox").has_value());
  }
}

TEST_CASE("A policy has the caller's limits and hosts, and its defaults before the account's") {
  const auto all = with_callers();
  const auto& portal = **with_key(all, "Bearer portal-key");
  CHECK(portal.weight == 4);
  const auto production = all.authorize(portal, "production");
  REQUIRE(production);
  CHECK((*production)->account_name == "production");
  CHECK((*production)->account == &all.configuration().accounts.at("production"));
  CHECK((*production)->limits.sessions.empty());
  CHECK_FALSE((*production)->limits.open_sessions);
  CHECK(boost::json::serialize((*production)->defaults) ==
        R"({"language":"en","price_zone_default":"AT","cancel_url":"https://a.my-customerportal.com/"})");
  CHECK_FALSE((*production)->redirect_hosts->matches("evil.example"));
  const auto sandbox = all.authorize(portal, "sandbox");
  REQUIRE(sandbox);
  CHECK((*sandbox)->limits.open_sessions == 1U);
}

TEST_CASE("An account has the same index for every caller") {
  const auto all = with_callers();
  const auto& portal = **with_key(all, "Bearer portal-key");
  const auto& tool = **with_key(all, "Bearer tool-key");
  CHECK(portal.index != tool.index);
  CHECK((*all.authorize(portal, "sandbox"))->account_index == 1);
  CHECK((*all.authorize(tool, "sandbox"))->account_index == 1);
  CHECK((*all.authorize(portal, "production"))->account_index == 0);
}

TEST_CASE("An account that nobody has is not found, one of others is forbidden") {
  const auto all = with_callers();
  const auto& tool = **with_key(all, "Bearer tool-key");
  const auto unknown = all.authorize(tool, "staging");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().id == errors::problem::not_found);
  CHECK(unknown.error().faults[0].name == "account");
  const auto forbidden = all.authorize(tool, "production");
  REQUIRE_FALSE(forbidden);
  CHECK(forbidden.error().id == errors::problem::forbidden);
  CHECK(forbidden.error().detail ==
        "The caller tool may not use this account; GET /v1/accounts lists those that it may.");
  CHECK_FALSE(all.authorize(tool, ""));
  CHECK_FALSE(all.authorize(tool, "Sandbox"));
}

namespace {

using names = std::vector<std::string>;

auto with_certificate(const directory& all, const names& in_it, std::optional<std::string_view> header = {}) {
  return all.authenticate({.authorization = header, .certificate = std::span{in_it}});
}

std::string code_of(const std::expected<const admission::caller*, errors::failure>& got) {
  if (got) return "let in: " + (*got)->name;
  CHECK(got.error().id == errors::problem::unauthenticated);
  CHECK(got.error().extra_header == "WWW-Authenticate: Bearer");
  return got.error().faults.at(0).code;
}

}  // namespace

TEST_CASE("A caller is known by a name of its certificate, of the right kind") {
  const auto all = with_callers();
  CHECK(code_of(with_certificate(all, {"DNS:other.internal", "DNS:portal.internal"})) == "let in: customer-portal");
  CHECK(code_of(with_certificate(all, {"URI:spiffe://example.internal/Portal"})) == "let in: customer-portal");
  CHECK(code_of(with_certificate(all, {"DNS:portal.internal", "URI:spiffe://example.internal/Portal"})) ==
        "let in: customer-portal");
  for (const auto* name : {"DNS:other.internal", "URI:portal.internal", "DNS:spiffe://example.internal/portal",
                           "URI:spiffe://example.internal/portal", "portal.internal", "DNS:*.internal"})
    CHECK(code_of(with_certificate(all, {name})) == "unknown-certificate");
  CHECK(code_of(with_certificate(all, {})) == "unknown-certificate");
}

TEST_CASE("A key and a certificate must be of one caller, and a bad one is not made good by the other") {
  const auto all = with_callers();
  const names portal{"DNS:portal.internal"};
  CHECK(code_of(with_certificate(all, portal, "Bearer portal-key")) == "let in: customer-portal");
  CHECK(code_of(with_certificate(all, portal, " ")) == "let in: customer-portal");
  CHECK(code_of(with_certificate(all, portal, "Bearer tool-key")) == "key-and-certificate-disagree");
  CHECK(code_of(with_certificate(all, portal, "Bearer nobodys-key")) == "unknown-key");
  CHECK(code_of(with_certificate(all, portal, "Basic eDp5")) == "wrong-scheme");
  CHECK(code_of(with_certificate(all, {"DNS:portal.internal", "DNS:batch.internal"})) == "ambiguous-certificate");
  CHECK(code_of(with_certificate(all, {"DNS:portal.internal", "DNS:batch.internal"}, "Bearer portal-key")) ==
        "ambiguous-certificate");
}

TEST_CASE("A certificate of nobody leaves it to the key") {
  const auto all = with_callers();
  const names nobody{"DNS:sidecar.internal"};
  CHECK(code_of(with_certificate(all, nobody, "Bearer tool-key")) == "let in: tool");
  CHECK(code_of(with_certificate(all, nobody, "Bearer nobodys-key")) == "unknown-key");
  CHECK(code_of(with_certificate(anonymous(), nobody)) == "let in: anonymous");
}

TEST_CASE("After a reload callers keep their numbers, new ones come last, and nobody is one that is gone") {
  auto c = two_accounts();
  c.callers["b"].key_sha256 = {admission::digest_of("b-key")};
  c.callers["c"].key_sha256 = {admission::digest_of("c-key")};
  const directory first{std::make_shared<const settings::configuration>(c)};
  c.callers.erase("b");
  c.callers["a"].key_sha256 = {admission::digest_of("a-key")};
  const directory second{std::make_shared<const settings::configuration>(c), first};
  CHECK((*with_key(second, "Bearer c-key"))->index == 1);
  CHECK((*with_key(second, "Bearer a-key"))->index == 2);
  CHECK_FALSE(with_key(second, "Bearer b-key"));
  CHECK(second.callers()[0].gone);
  c.callers["b"].key_sha256 = {admission::digest_of("b-key")};
  const directory third{std::make_shared<const settings::configuration>(c), second};
  CHECK((*with_key(third, "Bearer b-key"))->index == 0);
  CHECK((*with_key(third, "Bearer a-key"))->index == 2);
  c.callers.clear();
  const directory fourth{std::make_shared<const settings::configuration>(c), third};
  CHECK((*with_key(fourth, std::nullopt))->name == "anonymous");
  CHECK((*with_key(fourth, std::nullopt))->index == 3);
}
