#pragma once

#include <expected>
#include <optional>
#include <string>

#include "foundation/http/head.hpp"

namespace gateway::listener {

// The request's Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a string of RFC 8941 (`"k"`), or its
// bare characters, which are the same key: 1 to 255 printable ASCII characters. Sets `into`; false: there is none. The
// error says for people what is wrong with it.
std::expected<bool, std::string> read_idempotency_key(const http::field_list& fields, std::string& into);

}  // namespace gateway::listener
