#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "foundation/http/head.hpp"

namespace gateway::listener {

// Whether the Accept lines leave room for application/json, or name a problem about it (RFC 9110 section 12.5.1);
// several are one list. Without any they do; a quality of 0 excludes what it stands at, and nothing else. What cannot
// be read is taken as accepting.
bool accepts_json(const http::field_list& fields) noexcept;

// The same for application/x-ndjson. Where they say nothing of it, who accepts JSON accepts lines of it.
bool accepts_ndjson(const http::field_list& fields) noexcept;

// Which form of a page the Accept lines prefer (RFC 9110 section 12.5.1): by quality, and where they have none or the
// same for both, JSON unless text/html is named. Nothing: neither is wanted.
enum class page_form : std::uint8_t { json, html };
std::optional<page_form> preferred_page(const http::field_list& fields) noexcept;

// Whether they prefer OpenMetrics 1.0.0 to Prometheus' text format 0.0.4: by quality, and where both have the same, if
// they name it more closely. A range with another version names neither. Who wants none of both gets the text.
bool prefers_open_metrics(const http::field_list& fields) noexcept;

// Whether a Content-Type says JSON in UTF-8: "application/json", with or without parameters, or any "+json" type.
bool is_json(std::optional<std::string_view> content_type) noexcept;

// Whether a Content-Type says application/x-ndjson in UTF-8.
bool is_ndjson(std::optional<std::string_view> content_type) noexcept;

// The preferences that we understand (RFC 7240); the rest is ignored, as it says.
struct preferences {
  std::optional<std::chrono::seconds> wait;  // bounds the whole answer
  bool reuse = true;                         // `reuse=no`: a new session, whatever there is
};
preferences read_preferences(const http::field_list& fields) noexcept;

}  // namespace gateway::listener
