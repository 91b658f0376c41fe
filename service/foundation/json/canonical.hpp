#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::json {

// Appends the canonical form (RFC 8785) of `text`, which is JSON as `scanner` accepts it: two texts have the same form
// where they have the same values, whatever their spacing and the order of their members. Numbers are doubles, as
// I-JSON (RFC 7493 section 2.2) has them. Throws std::invalid_argument where `text` is no JSON.
void append_canonical(std::string& out, std::string_view text);

// The SHA-256 of the canonical form. Any thread.
std::array<std::uint8_t, 32> canonical_digest(std::string_view text);

}  // namespace gateway::json
