#include "onboarding/creation.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace {

using namespace gateway;
using namespace gateway::onboarding;

// The documented example (podero-api.md).
constexpr std::string_view documented = R"({
  "language": "de",
  "price_zone_default": "AT",
  "is_smart_optimization_active_default": true,
  "success_url": "https://my-customerportal.com/success",
  "cancel_url": "https://my-customerportal.com/error",
  "user_id": "a169451c-8525-4352-b8ca-070dd449a1a5"
})";

struct result {
  std::string out;
  std::vector<std::string> defaulted;
  errors::failure failure;  // of a failed composition
  bool ok = false;

  // "#/language missing", one per fault
  std::vector<std::string> faults() const {
    std::vector<std::string> all;
    for (const auto& f : failure.faults) all.push_back(f.name + " " + f.code);
    return all;
  }
};

result compose(std::string_view body, creation_rules rules = {}) {
  const creation_policy policy{std::move(rules)};
  scratch memory;
  result r;
  defaulted from_defaults;
  auto composed = compose_creation(body, policy, memory, r.out, from_defaults);
  r.ok = composed.has_value();
  if (!r.ok) r.failure = std::move(composed.error());
  if (r.ok) r.defaulted.assign(from_defaults.begin(), from_defaults.end());
  return r;
}

// The documented example with some members replaced, or taken out where the text is empty.
std::string with(std::initializer_list<std::pair<std::string_view, std::string_view>> changes) {
  auto body = boost::json::parse({documented.data(), documented.size()}).as_object();
  for (const auto& [name, value] : changes) {
    const boost::json::string_view key{name.data(), name.size()};
    if (value.empty())
      body.erase(key);
    else
      body[key] = boost::json::parse({value.data(), value.size()});
  }
  return boost::json::serialize(body);
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("the documented body reaches Podero byte for byte") {
  const auto r = compose(documented);
  REQUIRE(r.ok);
  CHECK(r.out == documented);
  CHECK(r.defaulted.empty());
}

TEST_CASE("members that are left out and have defaults are appended, and named") {
  const auto r = compose(R"({"success_url": "https://p.example/s", "cancel_url": "https://p.example/c",
 "user_id": "a169451c-8525-4352-b8ca-070dd449a1a5" } )",
                         {.defaults = {{"language", R"("de")"}, {"price_zone_default", R"("AT")"}}});
  REQUIRE(r.ok);
  CHECK(r.out == R"({"success_url": "https://p.example/s", "cancel_url": "https://p.example/c",
 "user_id": "a169451c-8525-4352-b8ca-070dd449a1a5" ,"language":"de","price_zone_default":"AT"} )");
  CHECK(r.defaulted == texts{"/language", "/price_zone_default"});
}

TEST_CASE("the first default of a name counts: the caller's before the account's") {
  const auto r = compose(with({{"language", ""}}), {.defaults = {{"language", R"("fr")"}, {"language", R"("de")"}}});
  REQUIRE(r.ok);
  CHECK(boost::json::parse(r.out).at("language") == "fr");
  CHECK(r.defaulted == texts{"/language"});
}

TEST_CASE("what the caller says wins over defaults, also for members that we do not know") {
  const creation_rules rules{.defaults = {{"language", R"("fr")"}, {"device", R"("hp")"}, {"a/b", "1"}}};
  const auto r = compose(with({{"device", R"("ev")"}}), rules);
  REQUIRE(r.ok);
  CHECK(boost::json::parse(r.out).at("language") == "de");
  CHECK(boost::json::parse(r.out).at("device") == "ev");
  CHECK(boost::json::parse(r.out).at("a/b") == 1);
  CHECK(r.defaulted == texts{"/a~1b"});
}

TEST_CASE("a body of nothing is filled from defaults alone") {
  const auto r = compose("{}", {.defaults = {{"language", R"("de")"},
                                             {"price_zone_default", R"("AT")"},
                                             {"success_url", R"("https://p.example/s")"},
                                             {"cancel_url", R"("https://p.example/c")"},
                                             {"user_id", R"("a169451c-8525-4352-b8ca-070dd449a1a5")"}}});
  REQUIRE(r.ok);
  CHECK(r.out == R"({"language":"de","price_zone_default":"AT","success_url":"https://p.example/s",)"
                 R"("cancel_url":"https://p.example/c","user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})");
}

TEST_CASE("a member written with escapes is the member it names") {
  const auto r =
      compose(R"({"l\u0061nguage": "d\u0065", "price_zone_default": "AT", "success_url": "https:\/\/p.example\/s",
    "cancel_url": "https://p.example/c", "user_id": "a169451c-8525-4352-b8ca-070dd449a1a5"})",
              {.languages = {"de"}, .defaults = {{"language", R"("de")"}}});
  CHECK(r.ok);
  CHECK(r.defaulted.empty());
}

TEST_CASE("every missing member is told at once, with what is expected") {
  const auto r = compose("{}");
  REQUIRE_FALSE(r.ok);
  CHECK(r.failure.id == errors::problem::validation_failed);
  CHECK(r.failure.effect == errors::effect::none);
  CHECK(r.faults() == texts{"#/language missing", "#/price_zone_default missing", "#/success_url missing",
                            "#/cancel_url missing", "#/user_id missing"});
  CHECK(r.failure.faults[2].detail == "this member is required: an absolute https URL");
}

TEST_CASE("every fault of a body is told at once") {
  const auto r =
      compose(R"({"language": "german", "price_zone_default": "at", "is_smart_optimization_active_default": "yes",
    "success_url": "http://p.example/", "cancel_url": "https://user@p.example/", "user_id": "42", "building_id": "x",
    "external_metadata": [1]})");
  REQUIRE_FALSE(r.ok);
  CHECK(r.faults() == texts{"#/language invalid-language", "#/price_zone_default invalid-price-zone",
                            "#/is_smart_optimization_active_default wrong-type", "#/success_url url-scheme-not-allowed",
                            "#/cancel_url url-has-user-info", "#/user_id invalid-uuid", "#/building_id invalid-uuid",
                            "#/external_metadata wrong-type"});
  CHECK(r.failure.faults[2].detail == "expected true or false, found a string");
  CHECK(r.failure.faults[7].detail == "expected a JSON object, found an array");
}

TEST_CASE("null and other types are no value for a documented member") {
  CHECK(compose(with({{"language", "null"}})).faults() == texts{"#/language wrong-type"});
  CHECK(compose(with({{"user_id", "42"}})).faults() == texts{"#/user_id wrong-type"});
  CHECK(compose(with({{"success_url", "{}"}})).faults() == texts{"#/success_url wrong-type"});
  CHECK(compose(with({{"external_metadata", "null"}})).faults() == texts{"#/external_metadata wrong-type"});
  // A member that is there is not missing, so no default stands in for it.
  CHECK(compose(with({{"language", "null"}}), {.defaults = {{"language", R"("de")"}}}).faults() ==
        texts{"#/language wrong-type"});
}

TEST_CASE("allow-lists narrow languages and zones, and the answer lists what is allowed") {
  const creation_rules rules{.languages = {"en", "fr"}, .price_zones = {"CH"}};
  const auto r = compose(documented, rules);
  CHECK(r.faults() == texts{"#/language language-not-allowed", "#/price_zone_default price-zone-not-allowed"});
  CHECK(r.failure.faults[0].detail == "allowed here: en, fr");
  CHECK(compose(with({{"language", R"("fr")"}, {"price_zone_default", R"("CH")"}}), rules).ok);
}

TEST_CASE("a redirect to a host that the caller may not use is refused by name") {
  const creation_rules rules{.redirects = {.http_to_localhost = false, .host_allowed = [](std::string_view host) {
                                             return host.ends_with(".my-customerportal.com");
                                           }}};
  const auto r = compose(with({{"cancel_url", R"("https://www.my-customerportal.com/x")"}}), rules);
  CHECK(r.faults() == texts{"#/success_url redirect-host-not-allowed"});
  CHECK(r.failure.faults[0].detail == "this caller may not send browsers to my-customerportal.com");
}

TEST_CASE("URLs that are too long or no URLs are told apart") {
  CHECK(compose(with({{"success_url", R"("not a url")"}})).faults() == texts{"#/success_url invalid-url"});
  CHECK(compose(with({{"success_url", R"("https:///x")"}})).faults() == texts{"#/success_url invalid-url"});
  const auto url = "\"https://p.example/" + std::string(8000, 'x') + "\"";
  CHECK(compose(with({{"success_url", url}})).faults() == texts{"#/success_url url-too-long"});
}

TEST_CASE("unknown members pass, or are refused where the account says so") {
  const auto body = with({{"device/type", R"("hp")"}, {"n", "1"}});
  const auto passed = compose(body);
  REQUIRE(passed.ok);
  CHECK(passed.out == body);
  CHECK(compose(body, {.unknown_members = unknown_members::refuse}).faults() ==
        texts{"#/device~1type unknown-member", "#/n unknown-member"});
}

TEST_CASE("a flood of unknown members gives a bounded list of faults") {
  std::string body = "{";
  for (int i = 0; i < 1000; ++i) body += (i ? ",\"x" : "\"x") + std::to_string(i) + "\":1";
  const auto r = compose(body + "}", {.unknown_members = unknown_members::refuse});
  CHECK(r.failure.faults.size() == 64 + 1 + 5);
  CHECK(r.failure.faults[64].detail == "more unknown members follow");
}

TEST_CASE("what is no sound JSON object is malformed, with the place") {
  const auto problem_of = [](std::string_view body) { return compose(body).failure.id; };
  for (const auto* body : {"", "[]", "\"x\"", "{", "{} {}", "{\"a\": \"\xFF\"}", R"({"a": 1, "a": 2})",
                           R"({"external_metadata": {"k": 1, "k": 2}})"}) {
    CAPTURE(body);
    CHECK(problem_of(body) == errors::problem::malformed_request);
  }
  CHECK(compose(R"({"language": "de", "language": "en"})").failure.detail ==
        "The body cannot be read: duplicate member \"language\" at byte 19.");
  CHECK(compose(R"({"language": "de",})").failure.detail ==
        "The body cannot be read: not JSON: unexpected '}' at byte 18.");
  CHECK(problem_of("{\"a\":" + std::string(32, '[') + std::string(32, ']') + "}") ==
        errors::problem::malformed_request);
}

TEST_CASE("one set of scratch memory serves many bodies") {
  const creation_policy policy{{.defaults = {{"language", R"("de")"}}}};
  scratch memory;
  std::string out;
  defaulted from_defaults;
  CHECK_FALSE(compose_creation("{\"language\": 1", policy, memory, out, from_defaults).has_value());
  REQUIRE(compose_creation(with({{"language", ""}}), policy, memory, out, from_defaults).has_value());
  CHECK(from_defaults.size() == 1);
  REQUIRE(compose_creation(documented, policy, memory, out, from_defaults).has_value());
  CHECK(from_defaults.empty());
  CHECK(out == documented);
}

TEST_CASE("defaults are held to the same rules, every fault at once") {
  const creation_rules rules{
      .languages = {"de"},
      .unknown_members = unknown_members::refuse,
      .redirects = {.http_to_localhost = false, .host_allowed = [](std::string_view h) { return h == "p.example"; }},
      .defaults = {{"language", R"("fr")"},
                   {"success_url", R"("https://other.example/")"},
                   {"device", R"("hp")"},
                   {"price_zone_default", R"("AT)"},
                   {"cancel_url", R"("https://p.example/", "x": 1)"},
                   {"user_id", ""}}};
  texts found;
  for (const auto& f : check_defaults(rules)) found.push_back(f.name + " " + f.code);
  CHECK(found == texts{"#/language language-not-allowed", "#/success_url redirect-host-not-allowed",
                       "#/device unknown-member", "#/price_zone_default invalid-json", "#/cancel_url invalid-json",
                       "#/user_id invalid-json"});
  CHECK_THROWS_WITH_AS(creation_policy{rules}, "default #/language: allowed here: de", std::invalid_argument);
  CHECK(check_defaults({.defaults = {{"external_metadata", R"({"team": {"x": [1]}})"}, {"language", R"("de")"}}})
            .empty());
}
