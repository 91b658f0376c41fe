#include "admission/directory.hpp"

#include "admission/key.hpp"

#include <boost/json/serialize.hpp>

#include <doctest/doctest.h>

#include <array>

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
  portal.certificate_san = {"portal.internal"};
  portal.accounts = {"sandbox", "production"};
  portal.weight = 4;
  portal.limits["sandbox"].open_sessions = 1;
  portal.redirect_hosts.patterns.push_back(*settings::host_pattern::parse("*.my-customerportal.com"));
  portal.defaults = {{"language", "en"}, {"cancel_url", "https://a.my-customerportal.com/"}};
  auto& tool = c.callers["tool"];
  tool.key_sha256 = {admission::digest_of("tool-key")};
  tool.accounts = {"sandbox"};
  return directory{std::make_shared<const settings::configuration>(std::move(c))};
}

directory anonymous() {
  return directory{std::make_shared<const settings::configuration>(two_accounts())};
}

errors::failure refusal(const directory& all, std::optional<std::string_view> header) {
  const auto who = all.authenticate(header);
  REQUIRE_FALSE(who);
  return who.error();
}

}  // namespace

TEST_CASE("A caller is known by any of its keys") {
  const auto all = with_callers();
  REQUIRE(all.authenticate("Bearer portal-key"));
  CHECK((*all.authenticate("Bearer portal-key"))->name == "customer-portal");
  CHECK((*all.authenticate("Bearer older-key"))->name == "customer-portal");
  CHECK((*all.authenticate("Bearer tool-key"))->name == "tool");
}

TEST_CASE("The scheme is read in any case and with any space around it") {
  const auto all = with_callers();
  for (const auto* header :
       {"bearer tool-key", "BEARER tool-key", "Bearer   tool-key", " Bearer tool-key ", "Bearer\ttool-key"}) {
    CAPTURE(header);
    CHECK(all.authenticate(header).has_value());
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
    const auto who = all.authenticate(header);
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
  const auto& portal = **all.authenticate("Bearer portal-key");
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
  const auto& portal = **all.authenticate("Bearer portal-key");
  const auto& tool = **all.authenticate("Bearer tool-key");
  CHECK(portal.index != tool.index);
  CHECK((*all.authorize(portal, "sandbox"))->account_index == 1);
  CHECK((*all.authorize(tool, "sandbox"))->account_index == 1);
  CHECK((*all.authorize(portal, "production"))->account_index == 0);
}

TEST_CASE("An account that nobody has is not found, one of others is forbidden") {
  const auto all = with_callers();
  const auto& tool = **all.authenticate("Bearer tool-key");
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

TEST_CASE("A caller is known by a name of its certificate") {
  const auto all = with_callers();
  const std::array<std::string_view, 2> names{"other.internal", "portal.internal"};
  REQUIRE(all.of_certificate(names) != nullptr);
  CHECK(all.of_certificate(names)->name == "customer-portal");
  CHECK(all.of_certificate(std::span{names}.first(1)) == nullptr);
}

TEST_CASE("After a reload callers keep their numbers, new ones come last, and nobody is one that is gone") {
  auto c = two_accounts();
  c.callers["b"].key_sha256 = {admission::digest_of("b-key")};
  c.callers["c"].key_sha256 = {admission::digest_of("c-key")};
  const directory first{std::make_shared<const settings::configuration>(c)};
  c.callers.erase("b");
  c.callers["a"].key_sha256 = {admission::digest_of("a-key")};
  const directory second{std::make_shared<const settings::configuration>(c), first};
  CHECK((*second.authenticate("Bearer c-key"))->index == 1);
  CHECK((*second.authenticate("Bearer a-key"))->index == 2);
  CHECK_FALSE(second.authenticate("Bearer b-key"));
  CHECK(second.callers()[0].gone);
  c.callers["b"].key_sha256 = {admission::digest_of("b-key")};
  const directory third{std::make_shared<const settings::configuration>(c), second};
  CHECK((*third.authenticate("Bearer b-key"))->index == 0);
  CHECK((*third.authenticate("Bearer a-key"))->index == 2);
  c.callers.clear();
  const directory fourth{std::make_shared<const settings::configuration>(c), third};
  CHECK((*fourth.authenticate(std::nullopt))->name == "anonymous");
  CHECK((*fourth.authenticate(std::nullopt))->index == 3);
}
