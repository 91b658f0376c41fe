#pragma once

#include <optional>
#include <string_view>

// The contract, for serving it. The texts live as long as the program; any thread may ask.
namespace gateway::proto_free_api {

// The OpenAPI 3.1 document in one piece: openapi.yaml with the schemas it refers to. application/json.
std::string_view openapi_json() noexcept;

// What there is to read about a problem type, in two forms with the same content; UTF-8.
struct problem_page {
  std::string_view html;  // for people: text/html, one piece, nothing else is loaded
  std::string_view json;  // for programs: application/json, schemas/problem-page.json
};

// By its name ("rate-limited"), or nothing if there is no such type.
std::optional<problem_page> find_problem_page(std::string_view name) noexcept;

}  // namespace gateway::proto_free_api
