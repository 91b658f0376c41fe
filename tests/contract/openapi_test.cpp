// The OpenAPI document as it is served.
#include "contract/examples.hpp"
#include "proto_free_api.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace gateway;
using namespace gateway::contract;

namespace {

const boost::json::value& document() {
  static const auto parsed = [] {
    const auto text = proto_free_api::openapi_json();
    return boost::json::parse({text.data(), text.size()});
  }();
  return parsed;
}

void collect_references(const boost::json::value& value, std::set<std::string>& to) {
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) collect_references(item, to);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      if (member.key() == "$ref") to.emplace(member.value().as_string());
      collect_references(member.value(), to);
    }
  }
}

}  // namespace

TEST_CASE("the document is OpenAPI 3.1 of this version, in one piece") {
  CHECK(document().at("openapi") == "3.1.0");
  CHECK(document().at("info").at("version") == PROJECT_VERSION);
  std::set<std::string> references;
  collect_references(document(), references);
  CHECK(references.size() > 40);
  for (const auto& reference : references) {
    CAPTURE(reference);
    CHECK(reference.starts_with("#/components/"));
    boost::json::error_code ec;
    CHECK(document().find_pointer(std::string_view{reference}.substr(1), ec) != nullptr);
  }
  CHECK(document().at("components").at("schemas").as_object().contains("Gateway"));
}

TEST_CASE("the changelog has this version, and first") {
  const auto text = read_file(folder() / "CHANGELOG.md");
  const auto first = text.find("\n## ");
  REQUIRE(first != std::string::npos);
  CHECK(text.substr(first).starts_with("\n## " + std::string{PROJECT_VERSION} + "\n"));
}

TEST_CASE("every operation of the contract is there and says whether it is served") {
  std::set<std::string> served;
  std::set<std::string> planned;
  for (const auto& path : document().at("paths").as_object())
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      std::string method{operation.key()};
      std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      (operation.value().at("x-served").as_bool() ? served : planned).insert(method + " " + std::string{path.key()});
      const bool says_so = std::string{operation.value().at("summary").as_string()}.contains("not served yet");
      CHECK(says_so == !operation.value().at("x-served").as_bool());
    }
  CHECK(served == std::set<std::string>{"POST /v1/accounts/{account}/onboarding-sessions",
                                        "POST /v1/accounts/{account}/onboarding-sessions/batch",
                                        "GET /v1/accounts/{account}/onboarding-sessions/{id}", "GET /openapi.json",
                                        "GET /problems/{name}", "GET /v1/accounts", "GET /v1/accounts/{account}",
                                        "DELETE /v1/accounts/{account}/onboarding-sessions/{id}/slot",
                                        "POST /v1/accounts/{account}/users",
                                        "GET /v1/accounts/{account}/users/{user_id}/heat-pumps",
                                        "GET /v1/accounts/{account}/users/{user_id}/heat-pumps/{device_id}"});
  CHECK(planned.empty());
}

TEST_CASE("the document's examples are those that are replayed") {
  for (const auto& entry : document().at("components").at("examples").as_object()) {
    const std::string source{entry.value().at("x-taken-from").as_string()};
    CAPTURE(source);
    const auto space = source.find(' ');
    const auto found = std::ranges::find(examples(), source.substr(0, space), &example::name);
    REQUIRE(found != examples().end());
    CHECK(found->at(source.substr(space + 1).c_str()).at("body") == entry.value().at("value"));
  }
}
