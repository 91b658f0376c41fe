#include "listener/negotiation.hpp"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using gateway::listener::preferences;
using gateway::listener::read_preferences;

preferences read(std::initializer_list<std::string_view> values) {
  gateway::http::field_list fields;
  for (const auto value : values) fields.add({.name = "prefer", .value = value});
  return read_preferences(fields);
}

TEST_CASE("the first preference of a name counts, over all lines") {
  CHECK(read({"wait=5, wait=6"}).wait == 5s);
  CHECK(read({"respond-async", "WAIT = \"7\"; x=y"}).wait == 7s);
  CHECK_FALSE(read({"wait=soon, wait=6"}).wait.has_value());
  CHECK_FALSE(read({"reuse=no"}).reuse);
}

TEST_CASE("what stands in quotes is no preference") {
  CHECK_FALSE(read({R"(x="a, wait=1, reuse=no")"}).wait.has_value());
  CHECK(read({R"(x="a, reuse=no; \", wait=1", wait=2)"}).wait == 2s);
  CHECK(read({R"(x="a, reuse=no")"}).reuse);
}

gateway::http::field_list accept_lines(std::initializer_list<std::string_view> lines) {
  gateway::http::field_list fields;
  for (const auto line : lines) fields.add({gateway::http::field::accept, "Accept", line});
  return fields;
}

bool accepts_json(std::initializer_list<std::string_view> lines) {
  return gateway::listener::accepts_json(accept_lines(lines));
}

TEST_CASE("what stands in quotes is no media range") {
  CHECK_FALSE(accepts_json({R"(text/html;x="a, application/json")"}));
  CHECK(accepts_json({R"(text/html;x="a,b", application/json)"}));
}

TEST_CASE("JSON is accepted where no range that names it more closely says otherwise") {
  CHECK(accepts_json({}));
  CHECK(accepts_json({"text/html", "application/json"}));
  CHECK_FALSE(accepts_json({"application/json;q=0", "*/*"}));
  for (const auto* good : {"", " ", "application/json", "Application/JSON", "*/*", " */* ", "application/*",
                           "text/html, application/json;q=0.1", "application/json;q=0, application/problem+json",
                           "application/problem+json", "application/problem+json;q=0, */*",
                           "application/problem+json;q=0, application/json", "application/json;version=2"})
    CHECK_MESSAGE(accepts_json({good}), good);
  for (const auto* bad :
       {"text/html", "application/json;q=0", "*/*;q=0.0", "application/jsonx", "application/json;q=0, */*",
        "application/problem+json;q=0", "application/problem+json;q=0, text/html"})
    CHECK_FALSE_MESSAGE(accepts_json({bad}), bad);
}

TEST_CASE("lines are accepted where no range that names them more closely says otherwise, and by who accepts JSON") {
  const auto accepts = [](std::string_view line) { return gateway::listener::accepts_ndjson(accept_lines({line})); };
  CHECK(gateway::listener::accepts_ndjson({}));
  for (const auto* good : {"", "application/x-ndjson", "APPLICATION/X-NDJSON;q=0.1", "*/*", "application/*",
                           "application/json", "application/problem+json, text/html", "application/json;q=0, */*",
                           "application/json;q=0, application/x-ndjson", "*/*;q=0, application/x-ndjson"})
    CHECK_MESSAGE(accepts(good), good);
  for (const auto* bad : {"text/html", "application/x-ndjson;q=0", "application/x-ndjson;q=0, */*", "*/*;q=0",
                          "application/x-ndjson;q=0.000, application/json", "application/json;q=0"})
    CHECK_FALSE_MESSAGE(accepts(bad), bad);
}

TEST_CASE("OpenMetrics is for those who prefer it to the text") {
  const auto prefers = [](std::string_view line) {
    return gateway::listener::prefers_open_metrics(accept_lines({line}));
  };
  CHECK_FALSE(gateway::listener::prefers_open_metrics({}));
  for (const auto* text :
       {"", "*/*", "text/plain;version=0.0.4", "application/openmetrics-textual", "image/png",
        "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;q=0",
        "text/plain, application/openmetrics-text;q=0.1", "application/openmetrics-text;q=0.1, */*",
        "application/openmetrics-text;q=0.00, text/plain;q=0", "application/openmetrics-text, text/plain"})
    CHECK_FALSE_MESSAGE(prefers(text), text);
  for (const auto* open :
       {"application/openmetrics-text", "Application/OpenMetrics-Text; version=\"1.0.0\"",
        "text/plain;q=0.5, application/openmetrics-text; version=1.0.0", "*/*, application/openmetrics-text",
        // What Prometheus 2.42 and 3 send.
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"})
    CHECK_MESSAGE(prefers(open), open);
}

TEST_CASE("JSON is sent where the type says so, in UTF-8") {
  using gateway::listener::is_json;
  CHECK_FALSE(is_json(std::nullopt));
  for (const auto* good : {"application/json", "APPLICATION/json", "application/json; charset=utf-8",
                           "application/json;charset=\"UTF-8\"", "application/merge-patch+json"})
    CHECK_MESSAGE(is_json(good), good);
  for (const auto* bad : {"", "text/plain", "application/jsonx", "application/json; charset=latin1", "+json"})
    CHECK_FALSE_MESSAGE(is_json(bad), bad);
}

}  // namespace

TEST_CASE("A page comes in the form that is wanted more, and as JSON where that is left open") {
  using gateway::listener::page_form;
  using gateway::listener::preferred_page;
  const auto of = [](std::initializer_list<std::string_view> lines) { return preferred_page(accept_lines(lines)); };
  CHECK(of({}) == page_form::json);
  CHECK(of({""}) == page_form::json);
  CHECK(of({"*/*"}) == page_form::json);
  CHECK(of({"application/json"}) == page_form::json);
  CHECK(of({"application/problem+json"}) == page_form::json);
  CHECK(of({"text/html"}) == page_form::html);
  CHECK(of({"TEXT/HTML;charset=utf-8"}) == page_form::html);
  CHECK(of({"text/*"}) == page_form::html);
  // What browsers send.
  CHECK(of({"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}) == page_form::html);
  CHECK(of({"text/html, application/json"}) == page_form::json);
  CHECK(of({"text/html, application/json;q=0.9"}) == page_form::html);
  CHECK(of({"text/html;q=0.5", "application/json;q=0.501"}) == page_form::json);
  CHECK(of({"text/html, */*"}) == page_form::html);
  CHECK(of({"text/html;q=0, */*"}) == page_form::json);
  CHECK(of({"application/json;q=0.0, text/html;q=0.001"}) == page_form::html);
  CHECK(of({"text/plain, image/*"}) == std::nullopt);
  CHECK(of({"*/*;q=0"}) == std::nullopt);
  CHECK(of({"text/html;q=0, application/*;q=0"}) == std::nullopt);
  CHECK(of({"text/html;q=nonsense"}) == page_form::html);
  // A page is no problem.
  CHECK(of({"application/problem+json;q=0, */*"}) == page_form::json);
  CHECK(of({"application/problem+json;q=0, text/html;q=0.5, */*"}) == page_form::json);
  CHECK(of({"application/problem+json;q=0"}) == std::nullopt);
}
