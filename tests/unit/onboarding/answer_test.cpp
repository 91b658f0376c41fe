#include "onboarding/answer.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

namespace {

using namespace gateway;
using namespace gateway::onboarding;
using namespace std::chrono_literals;

// The documented answer (podero-api.md).
constexpr std::string_view documented = R"({
  "authentication_url": "https://connect.podero.com?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08",
  "id": "497f6eca-6276-4993-bfeb-53cbbbba6f08",
  "user": "a169451c-8525-4352-b8ca-070dd449a1a5",
  "success_url": "https://www.success.com",
  "cancel_url": "https://www.error.com",
  "expiration_date": "2024-08-24",
  "object_id": null,
  "external_metadata": {}
})";

constexpr std::string_view id = "497f6eca-6276-4993-bfeb-53cbbbba6f08";
constexpr time::wall_instant at_noon = std::chrono::sys_days{std::chrono::year{2024} / 8 / 24} + 12h;

answer_policy heat_pumps() {
  return {.connect_base_url = {}, .shortcuts = {{"heat_pump", "/heat-pumps"}}};
}

struct result {
  std::string out;
  session_facts facts;
  unusable_answer unusable;
  bool ok = false;
  boost::json::object gateway() const { return boost::json::parse(out).at("gateway").as_object(); }
};

result compose(std::string_view body, const answer_context& context, const answer_policy& policy = heat_pumps()) {
  scratch memory;
  result r;
  auto composed = compose_session(body, policy, context, memory, r.out);
  r.ok = composed.has_value();
  if (r.ok)
    r.facts = *composed;
  else
    r.unusable = composed.error();
  return r;
}

answer_context creation() {
  return {.now = at_noon, .creation = true};
}
answer_context reading() {
  return {.now = at_noon, .asked_for = session_id::parse(id)};
}

}  // namespace

TEST_CASE("Podero's documented answer is kept byte for byte, and our member appended") {
  const std::array<std::string_view, 2> pointers{"/language", "/price_zone_default"};
  auto context = creation();
  context.defaulted = pointers;
  const auto r = compose(documented, context);
  REQUIRE(r.ok);
  CHECK(
      r.out ==
      std::string{documented.substr(0, documented.size() - 1)} +
          R"(,"gateway":{"state":"pending","expires_at":"2024-08-24T21:00:00Z","connect_urls":{)"
          R"("any":"https://connect.podero.com?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08",)"
          R"("heat_pump":"https://connect.podero.com/heat-pumps?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08"},)"
          R"("reused":false,"defaulted":["/language","/price_zone_default"]}})");
  CHECK(r.facts.id.view() == id);
  CHECK(r.facts.state == session_state::pending);
  CHECK(r.facts.expires_at == std::chrono::sys_days{std::chrono::year{2024} / 8 / 24} + 21h);
  CHECK_FALSE(r.facts.foreign_gateway_member);
}

TEST_CASE("a session is expired from the very second at which it may end") {
  auto context = reading();
  context.now = std::chrono::sys_days{std::chrono::year{2024} / 8 / 24} + 21h - 1ns;
  CHECK(compose(documented, context).facts.state == session_state::pending);
  context.now += 1ns;
  CHECK(compose(documented, context).facts.state == session_state::expired);
}

TEST_CASE("a session with an object is completed, expired or not") {
  const auto r = compose(R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "expiration_date": "2020-01-01",
    "object_id": "8c6efd5a-36d2-4c3d-83a8-b7c9f39242cd"})",
                         reading());
  REQUIRE(r.ok);
  CHECK(r.facts.state == session_state::completed);
  CHECK(r.gateway().at("state") == "completed");
}

TEST_CASE("an expiry that cannot be read is told as null, and such a session does not expire by our clock") {
  for (const auto* body : {R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08"})",
                           R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "expiration_date": null})",
                           R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "expiration_date": "soon"})"}) {
    const auto r = compose(body, reading());
    REQUIRE(r.ok);
    CHECK(r.gateway().at("expires_at").is_null());
    CHECK(r.facts.state == session_state::pending);
    CHECK_FALSE(r.facts.expires_at.has_value());
  }
}

TEST_CASE("a date far from ours does not overflow the comparison") {
  const auto state = [](std::string_view date) {
    const auto body =
        R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "expiration_date": ")" + std::string{date} + "\"}";
    return compose(body, reading()).facts.state;
  };
  CHECK(state("0001-01-01") == session_state::expired);
  CHECK(state("9999-12-31") == session_state::pending);
}

TEST_CASE("the assumed zone of expiration dates is the account's") {
  auto policy = heat_pumps();
  policy.expiry_utc_offset = 0min;
  CHECK(compose(documented, creation(), policy).gateway().at("expires_at") == "2024-08-25T00:00:00Z");
}

TEST_CASE("shortcuts lead to where the session lives: scheme, host and port of its authentication_url") {
  const auto r = compose(
      R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","authentication_url":"https://localhost:8443/connect?onboarding_session_id=x"})",
      creation());
  CHECK(r.gateway().at("connect_urls").at("any") == "https://localhost:8443/connect?onboarding_session_id=x");
  CHECK(r.gateway().at("connect_urls").at("heat_pump") ==
        "https://localhost:8443/heat-pumps?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08");
}

TEST_CASE("a configured base URL moves the shortcuts and leaves `any` alone") {
  const answer_policy policy{.connect_base_url = "https://connect.example/base",
                             .shortcuts = {{"heat_pump", "/heat-pumps"}, {"ev", "/pick?type=ev"}}};
  const auto urls = compose(documented, creation(), policy).gateway().at("connect_urls");
  CHECK(urls.at("any") == "https://connect.podero.com?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08");
  CHECK(urls.at("heat_pump") ==
        "https://connect.example/base/heat-pumps?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08");
  CHECK(urls.at("ev") ==
        "https://connect.example/base/pick?type=ev&onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08");
}

TEST_CASE("a read without authentication_url gets its links from the configured base, or none: never from a constant") {
  constexpr auto body = R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","object_id":null})";
  const answer_policy based{.connect_base_url = "https://connect.example", .shortcuts = {{"heat_pump", "/heat-pumps"}}};
  CHECK(compose(body, reading(), based).gateway().at("connect_urls").at("any") ==
        "https://connect.example?onboarding_session_id=497f6eca-6276-4993-bfeb-53cbbbba6f08");
  CHECK(compose(body, reading()).gateway().at("connect_urls").as_object().empty());
}

TEST_CASE("a reused session says so") {
  auto context = creation();
  context.reused = true;
  CHECK(compose(documented, context).gateway().at("reused") == true);
}

TEST_CASE("a member named gateway that Podero sends is dropped and reported, however it is spelt") {
  const auto r = compose(
      R"({"gateway":{"state":"theirs"},"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","big":18446744073709551615,"u":"\u00e4"})",
      reading());
  REQUIRE(r.ok);
  CHECK(r.facts.foreign_gateway_member);
  CHECK(r.gateway().at("state") == "pending");
  CHECK(boost::json::parse(r.out).at("big") == 18446744073709551615ULL);
  CHECK(boost::json::parse(r.out).at("u") == "\u00e4");
  CHECK(r.out.find("theirs") == std::string::npos);
  const auto escaped = compose(R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","g\u0061teway":"theirs"})", reading());
  CHECK(escaped.facts.foreign_gateway_member);
  CHECK(escaped.out.find("theirs") == std::string::npos);
}

TEST_CASE("unknown members and odd values of Podero are kept") {
  const auto r = compose(R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","n":1.0,"new":[{"x":1e2}] } )", reading());
  REQUIRE(r.ok);
  CHECK(r.out.starts_with(R"({"id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","n":1.0,"new":[{"x":1e2}] ,"gateway":{)"));
}

TEST_CASE("ids are compared and told in lower case") {
  const auto r = compose(R"({"id":"497F6ECA-6276-4993-BFEB-53CBBBBA6F08"})", reading());
  REQUIRE(r.ok);
  CHECK(r.facts.id.view() == id);
}

TEST_CASE("an answer that cannot be handed on says why, without a word of it") {
  const auto why = [](std::string_view body, const answer_context& context) {
    const auto r = compose(body, context);
    REQUIRE_FALSE(r.ok);
    return r.unusable.reason + (r.unusable.session ? " (identified)" : "");
  };
  CHECK(why("", creation()) == "it is not a JSON object that can be read (byte 0)");
  CHECK(why("<html>", creation()) == "it is not a JSON object that can be read (byte 0)");
  CHECK(why("[]", creation()) == "it is not a JSON object that can be read (byte 0)");
  CHECK(why(R"({"id": "x"})", creation()) == "it has no `id` that is a UUID");
  CHECK(why(R"({"id": 7})", creation()) == "it has no `id` that is a UUID");
  CHECK(why(R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08"})", creation()) ==
        "it has no `authentication_url` (identified)");
  CHECK(why(R"({"id": "497f6eca-6276-4993-bfeb-53cbbbba6f08", "authentication_url": "javascript:x"})", creation()) ==
        "its `authentication_url` is not an absolute http or https URL (identified)");
  CHECK(why(R"({"id": "a169451c-8525-4352-b8ca-070dd449a1a5"})", reading()) ==
        "it is about another session than the one asked for (identified)");
}
