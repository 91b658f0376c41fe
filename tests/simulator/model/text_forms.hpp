#pragma once
// The encodings in which texts travel: percent and form encoding, base64, HTML, UUIDs.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulator {

// application/x-www-form-urlencoded: '+' is a space. Nothing when a '%' is not followed by two hexadecimal digits.
std::optional<std::string> decode_form_text(std::string_view text);

// "a=1&b=2" in order; members that cannot be decoded are left out.
using form_members = std::vector<std::pair<std::string, std::string>>;
form_members decode_form(std::string_view text);
const std::string* find_member(const form_members& members, std::string_view name) noexcept;

// RFC 4648 section 4 with padding; nothing for anything else.
std::optional<std::string> decode_base64(std::string_view text);

std::string escape_html(std::string_view text);

// The 8-4-4-4-12 form, in either case.
bool is_uuid(std::string_view text) noexcept;
std::string to_lower(std::string_view text);

bool is_control_or_space(char c) noexcept;

// How many code points a UTF-8 text has.
std::size_t count_characters(std::string_view utf8) noexcept;

// What a Location header can carry: everything but visible ASCII is percent-encoded, the rest stays as it is.
std::string make_header_safe(std::string_view url);

// The URL with one more query parameter, before its fragment. Name and value need no encoding.
std::string with_query_parameter(std::string_view url, std::string_view name, std::string_view value);

}  // namespace simulator
