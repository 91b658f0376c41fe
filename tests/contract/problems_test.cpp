// The problem table of the code, the pages and the OpenAPI document name the same problems.
#include "contract/examples.hpp"
#include "contract/schema_check.hpp"
#include "foundation/errors/problem.hpp"
#include "proto_free_api.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace gateway;
using namespace gateway::contract;

namespace {

const errors::problem_row* row_named(std::string_view name) {
  const auto rows = errors::rows();
  const auto found = std::ranges::find(rows, name, &errors::problem_row::name);
  return found == rows.end() ? nullptr : &*found;
}

// The JSON of a page's example.
boost::json::object example_of(const std::string& page) {
  const std::string fence = "```json\n";
  const auto begin = page.find(fence) + fence.size();
  return boost::json::parse(page.substr(begin, page.find("```", begin) - begin)).as_object();
}

}  // namespace

TEST_CASE("every problem has a page, and every page a problem") {
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder() / "problems"}) {
    CAPTURE(entry.path().string());
    CHECK(row_named(entry.path().stem().string()) != nullptr);
    ++pages;
  }
  CHECK(pages == errors::rows().size());
}

TEST_CASE("a page tells title, type, status and advice as the table has them, with an example that fits the schema") {
  for (const auto& row : errors::rows()) {
    const std::string name{row.name};
    CAPTURE(name);
    const auto page = read_file(folder() / "problems" / (name + ".md"));
    const auto status = std::to_string(row.status);
    CHECK(page.starts_with("# " + std::string{row.title} + "\n"));
    CHECK(page.find("| `/problems/" + name + "` | " + status + " | `" + std::string{to_string(row.advice)} + "`") !=
          std::string::npos);
    CHECK(page.find("## What it means") != std::string::npos);
    CHECK(page.find("## What to do") != std::string::npos);
    const auto example = example_of(page);
    const auto faults = schema_faults(example, "problem.json");
    CHECK_MESSAGE(faults.empty(), (faults.empty() ? std::string{} : faults.front()));
    CHECK(std::string{example.at("type").as_string()} == "/problems/" + name);
    CHECK(std::string{example.at("title").as_string()} == row.title);
    CHECK(example.at("status") == row.status);
    CHECK(example.at("detail") != example.at("title"));  // it says more, as the gateway does
    const auto served = proto_free_api::find_problem_page(row.name);
    REQUIRE(served.has_value());
    const auto json = boost::json::parse({served->json.data(), served->json.size()}).as_object();
    const auto form_faults = schema_faults(json, "problem-page.json");
    CHECK_MESSAGE(form_faults.empty(), (form_faults.empty() ? std::string{} : form_faults.front()));
    CHECK(std::string{json.at("type").as_string()} == "/problems/" + name);
    CHECK(std::string{json.at("title").as_string()} == row.title);
    CHECK(json.at("status") == row.status);
    CHECK(std::string{json.at("retry").as_string()} == to_string(row.advice));
    CHECK(json.at("example") == example);
    CHECK(served->html.starts_with("<!doctype html>"));
    CHECK(served->html.contains("<h1>"));
    CHECK(served->html.contains("<td><code>/problems/" + name + "</code></td>"));
    CHECK_FALSE(served->html.contains("<script"));
  }
}

TEST_CASE("the client's checklist has every problem, with its status and advice, and no other") {
  const auto checklist = read_file(folder().parent_path() / "docs" / "client-checklist.md");
  std::size_t listed = 0;
  for (auto at = checklist.find("\n| [`"); at != std::string::npos; at = checklist.find("\n| [`", at + 1)) ++listed;
  CHECK(listed == errors::rows().size());
  for (const auto& row : errors::rows()) {
    const std::string name{row.name};
    CAPTURE(name);
    CHECK(checklist.find("\n| [`" + name + "`](../proto-free-api/problems/" + name + ".md) | " +
                         std::to_string(row.status) + " | `" + std::string{to_string(row.advice)} + "` | ") !=
          std::string::npos);
  }
}

TEST_CASE("a page is served for known names only") {
  CHECK_FALSE(proto_free_api::find_problem_page("").has_value());
  CHECK_FALSE(proto_free_api::find_problem_page("rate-limited.md").has_value());
  CHECK_FALSE(proto_free_api::find_problem_page("../openapi").has_value());
}

TEST_CASE("the OpenAPI document lists every problem, each with its status") {
  const auto text = proto_free_api::openapi_json();
  const auto document = boost::json::parse({text.data(), text.size()});
  std::vector<std::string> wanted;
  for (const auto& row : errors::rows()) wanted.emplace_back(row.name);
  std::vector<std::string> named;
  for (const auto& name : document.at("components").at("schemas").at("ProblemName").at("enum").as_array())
    named.emplace_back(name.as_string());
  CHECK(named == wanted);

  std::map<std::string, bool> used;
  for (const auto& path : document.at("paths").as_object())
    for (const auto& operation : path.value().as_object()) {
      if (operation.key() == "parameters") continue;
      for (const auto& response : operation.value().at("responses").as_object()) {
        const auto* reference = response.value().as_object().if_contains("$ref");
        if (!reference) continue;
        const auto& component = document.at_pointer(reference->as_string().subview(1));
        for (const auto& name : component.at("x-problems").as_array()) {
          const std::string problem{name.as_string()};
          CAPTURE(problem);
          const auto* row = row_named(problem);
          REQUIRE(row != nullptr);
          CHECK(std::to_string(row->status) == std::string{response.key()});
          used[problem] = true;
        }
      }
    }
  CHECK(used.size() == errors::rows().size());
}
