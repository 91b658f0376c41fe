#include "foundation/json/scan_errors.hpp"

#include "foundation/json/write.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace gateway::json {
namespace {

constexpr std::size_t shown_name_limit = 64;

scan_error make(fault what, std::size_t byte, std::string words) {
  words += " at byte ";
  words += std::to_string(byte);
  return {.fault = what, .byte = byte, .reason = std::move(words)};
}

// How long the UTF-8 sequence at the front of `text` is (Unicode 15, table 3-7); 0: it is not UTF-8.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const auto in = [&](std::size_t i, unsigned low, unsigned high) { return at(i) >= low && at(i) <= high; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return in(1, 0x80, 0xBF) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool second = in(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && in(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool second = in(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
    return second && in(2, 0x80, 0xBF) && in(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

std::string unexpected_byte(std::string_view rest) {
  const auto c = static_cast<unsigned char>(rest.front());
  if (c > 0x20 && c < 0x7F) return std::string{"not JSON: unexpected '"} + rest.front() + "'";
  if (rest.starts_with("\xEF\xBB\xBF")) return "not JSON: a byte order mark";
  if (c >= 0x80) return "not JSON: unexpected \"" + std::string{rest.substr(0, sequence_length(rest))} + "\"";
  constexpr std::string_view digits = "0123456789ABCDEF";
  return std::string{"not JSON: unexpected control character 0x"} + digits[c >> 4U] + digits[c & 0xFU];
}

scan_error syntax(std::string_view text, std::size_t byte) {
  if (byte >= text.size()) return make(fault::not_json, byte, "not JSON: the text ends too early,");
  const auto rest = text.substr(byte);
  if (sequence_length(rest) == 0) return make(fault::not_utf8, byte, "not JSON: bytes that are not UTF-8");
  if (rest.front() == ' ') return make(fault::not_json, byte, "not JSON: unexpected space");
  return make(fault::not_json, byte, unexpected_byte(rest));
}

std::string_view root_kind(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  switch (first == std::string_view::npos ? '\0' : text[first]) {
    case '[':
      return "an array";
    case '"':
      return "a string";
    case 'n':
      return "null";
    case 't':
    case 'f':
      return "a boolean";
    default:
      return "a number";
  }
}

}  // namespace

scan_error explain(std::string_view text, std::size_t byte, const boost::json::error_code& ec,
                   const scan_limits& limits) {
  using boost::json::error;
  if (ec == error::not_object) {
    const auto first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    return make(fault::not_an_object, first, "a JSON object is expected, found " + std::string{root_kind(text)});
  }
  if (ec == error::incomplete) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
      return {.fault = fault::not_json, .byte = 0, .reason = "not JSON: the text is empty"};
    return make(fault::not_json, text.size(), "not JSON: the text ends too early,");
  }
  if (ec == error::too_deep)
    return make(fault::too_deep, byte, "nested deeper than " + std::to_string(nesting_limit) + " levels");
  if (ec == error::illegal_leading_surrogate || ec == error::illegal_trailing_surrogate)
    return make(fault::not_json, byte, "not JSON: half of a surrogate pair");
  if (ec == error::expected_hex_digit) return make(fault::not_json, byte, "not JSON: \\u without four hex digits");
  if (ec == error::exponent_overflow)
    return make(fault::number_out_of_range, byte, "a number is larger than a double can be,");
  if (ec == error::object_too_large)
    return make(fault::too_many_members, byte, "more than " + std::to_string(limits.members) + " members");
  if (ec == error::string_too_large)
    return make(fault::too_long_a_string, byte,
                "a name or text of more than " + std::to_string(limits.string) + " bytes");
  return syntax(text, byte);
}

scan_error trailing_at(std::string_view text, std::size_t byte) {
  if (sequence_length(text.substr(byte)) == 0) return syntax(text, byte);
  return make(fault::trailing_bytes, byte, "not JSON: something follows the object");
}

// All of the text up to that key was found valid, so it is enough to tell strings from the rest: a key is a string that
// is followed by a colon.
scan_error duplicate_at(std::string_view text, std::size_t ordinal) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    const auto begin = i;
    for (++i; i < text.size() && text[i] != '"'; ++i)
      if (text[i] == '\\') ++i;
    const auto after = text.find_first_not_of(" \t\r\n", i + 1);
    if (after == std::string_view::npos || text[after] != ':' || --ordinal != 0) continue;
    boost::json::error_code ec;
    const auto literal = text.substr(begin, i + 1 - begin);
    const auto name = boost::json::parse({literal.data(), literal.size()}, ec);
    std::string words = "duplicate member ";
    if (!ec && name.is_string())
      append_string(words, shorten({name.get_string().data(), name.get_string().size()}, shown_name_limit));
    return make(fault::duplicate_member, begin, std::move(words));
  }
  return make(fault::duplicate_member, 0, "duplicate member");
}

}  // namespace gateway::json
