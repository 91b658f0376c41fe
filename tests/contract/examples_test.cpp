// Every example holds to the format of README.md and to the schemas of what it shows.
#include "contract/examples.hpp"
#include "contract/schema_check.hpp"
#include "foundation/errors/problem.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace gateway;
using namespace gateway::contract;

namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

std::string header(const boost::json::object& message, const char* name) {
  const auto* value = message.at("headers").as_object().if_contains(name);
  return value ? std::string{value->as_string()} : std::string{};
}

const char* schema_of(const std::string& operation) {
  if (operation == "show-account") return "account.json";
  if (operation == "create-user") return "user.json";
  return operation.contains("heat-pump") ? "heat-pump.json" : "session.json";
}

// Of a list each, else the document itself.
std::vector<boost::json::value> documents_of(const boost::json::value& body) {
  if (const auto* list = body.if_array()) return {list->begin(), list->end()};
  return {body};
}

}  // namespace

TEST_CASE("every example follows the format") {
  REQUIRE(examples().size() >= 60);
  for (const auto& e : examples()) {
    CAPTURE(e.name);
    CHECK(joined(schema_faults(e.content, "example.json")) == "");
    const auto operations = {"create-session", "read-session",    "show-account",   "give-back-slot",
                             "create-user",    "list-heat-pumps", "read-heat-pump", "create-sessions"};
    CHECK(std::ranges::count(operations, e.operation()) == 1);
  }
}

TEST_CASE("every answer of an example fits its schema, its media type and its status") {
  for (const auto& e : examples()) {
    CAPTURE(e.name);
    const auto& response = e.at("response");
    const auto status = response.at("status").as_int64();
    CHECK(header(response, "X-Request-Id") == header(e.at("request"), "X-Request-Id"));
    if (status == 204 || status == 304) {
      CHECK_FALSE(response.contains("body"));
      continue;
    }
    const bool of_devices = e.operation().ends_with("heat-pumps") || e.operation().ends_with("heat-pump");
    CHECK(header(response, "Cache-Control") == (of_devices && status < 300 ? "private, max-age=5" : "no-store"));
    if (e.operation() == "create-sessions" && status < 300) {
      CHECK(header(response, "Content-Type") == "application/x-ndjson");
      for (const auto& line : response.at("lines").as_array()) {
        CHECK(joined(schema_faults(line, "batch-line-out.json")) == "");
        CHECK((&line == &response.at("lines").as_array().back()) == line.as_object().contains("summary"));
      }
    } else if (status < 300) {
      CHECK(header(response, "Content-Type") == "application/json");
      for (const auto& one : documents_of(response.at("body")))
        CHECK(joined(schema_faults(one, schema_of(e.operation()))) == "");
    } else {
      CHECK(header(response, "Content-Type") == "application/problem+json");
      CHECK(joined(schema_faults(response.at("body"), "problem.json")) == "");
      CHECK(response.at("body").at("status") == status);
      CHECK(std::string{response.at("body").at("request_id").as_string()} == header(response, "X-Request-Id"));
      CHECK((status == 401) == !header(response, "WWW-Authenticate").empty());
      CHECK((status == 405) == !header(response, "Allow").empty());
      const bool later = response.at("body").at("retry") == "later";
      CHECK((status == 429 || status == 503 || later) == !header(response, "Retry-After").empty());
    }
  }
}

TEST_CASE("a body that an example sends and that succeeds fits the schema of a request") {
  for (const auto& e : examples()) {
    CAPTURE(e.name);
    if (e.operation() == "create-sessions" && e.at("request").contains("lines")) {
      for (const auto& line : e.at("request").at("lines").as_array()) CHECK(line.as_object().contains("body"));
      continue;
    }
    const bool of_user = e.operation() == "create-user";
    if (e.at("response").at("status").as_int64() >= 300 || (!of_user && e.operation() != "create-session")) continue;
    const auto* schema = of_user ? "user-request.json" : "session-request.json";
    CHECK(joined(schema_faults(e.at("request").at("body"), schema)) == "");
    if (e.upstream() != nullptr) CHECK(joined(schema_faults(e.upstream()->at("request").at("body"), schema)) == "");
  }
}

TEST_CASE("the schema of a request refuses what validation refuses by form") {
  for (const char* name : {"wrong-type", "invalid-uuid", "invalid-language", "invalid-price-zone", "url-too-long",
                           "url-scheme-not-allowed"}) {
    CAPTURE(std::string{name});
    const auto found = std::ranges::find(examples(), std::string{"create-session/"} + name, &example::name);
    REQUIRE(found != examples().end());
    CHECK_FALSE(schema_faults(found->at("request").at("body"), "session-request.json").empty());
  }
}

TEST_CASE("every code that an example shows is documented, and every documented code of a body is shown") {
  // A code stands on the page of the problem that comes with it.
  const auto page_of = [](const boost::json::object& problem) {
    const std::string type{problem.at("type").as_string()};
    return read_file(folder() / "problems" / (type.substr(type.rfind('/') + 1) + ".md"));
  };
  const auto schema = boost::json::parse(read_file(folder() / "schemas" / "fault.json"));
  const std::string listed{schema.at("properties").at("code").at("description").as_string()};
  std::vector<std::string> shown;
  for (const auto& e : examples()) {
    if (!e.at("response").contains("body")) continue;
    const auto* problem = e.at("response").at("body").if_object();
    if (problem == nullptr || !problem->contains("errors")) continue;
    const auto& body = *problem;
    const auto page = page_of(body);
    for (const auto& fault : body.at("errors").as_array()) {
      const std::string code{fault.at("code").as_string()};
      CAPTURE(code);
      CHECK(page.find("`" + code + "`") != std::string::npos);
      CHECK(listed.find(code) != std::string::npos);
      shown.push_back(code);
    }
  }
  for (const char* code :
       {"missing", "wrong-type", "invalid-uuid", "invalid-language", "language-not-allowed", "invalid-price-zone",
        "price-zone-not-allowed", "invalid-url", "url-scheme-not-allowed", "url-has-user-info", "url-too-long",
        "redirect-host-not-allowed", "unknown-member", "unknown-user", "refused-upstream", "malformed", "reused",
        "invalid-email", "role-not-allowed"}) {
    CAPTURE(std::string{code});
    CHECK(std::ranges::count(shown, std::string{code}) > 0);
  }
}
