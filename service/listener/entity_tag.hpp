#pragma once

#include <string>
#include <string_view>

#include "foundation/http/head.hpp"

namespace gateway::listener {

// A strong entity tag (RFC 9110 section 8.8.3) that changes when the body does.
std::string entity_tag_of(std::string_view body);

// Every If-None-Match line, as one list; empty where there is none.
std::string none_match_of(const http::field_list& fields);

// Whether the list names the tag, compared weakly, or anything at all (RFC 9110 section 13.1.2): then 304 is the
// answer.
bool names(std::string_view list, std::string_view tag) noexcept;

}  // namespace gateway::listener
