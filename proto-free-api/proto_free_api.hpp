#pragma once

#include <optional>
#include <string_view>

// The contract, for serving it. The texts live as long as the program; any thread may ask.
namespace gateway::proto_free_api {

// The OpenAPI 3.1 document in one piece: openapi.yaml with the schemas it refers to. application/json.
std::string_view openapi_json() noexcept;

// The page of a problem type by its name ("rate-limited"), or nothing if there is no such type. text/markdown, UTF-8.
std::optional<std::string_view> problem_page(std::string_view name) noexcept;

}  // namespace gateway::proto_free_api
