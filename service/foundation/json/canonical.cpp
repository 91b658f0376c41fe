#include "foundation/json/canonical.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "foundation/json/write.hpp"

namespace gateway::json {
namespace {

namespace bj = boost::json;

// The code units of UTF-16 by which members are sorted (RFC 8785 section 3.2.3).
std::u16string utf16_of(std::string_view utf8) {
  std::u16string units;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length; ++k) point = (point << 6U) | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
    if (point < 0x10000) {
      units += static_cast<char16_t>(point);
    } else {
      units += static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10U));
      units += static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FFU));
    }
    i += length;
  }
  return units;
}

// As ECMAScript writes a number (ECMA-262, Number::toString with radix 10; RFC 8785 section 3.2.2.3).
void append_number(std::string& out, double value) {
  if (value == 0) {
    out += '0';
    return;
  }
  if (value < 0) out += '-';
  std::array<char, 32> text{};
  // The shortest digits that read back as the same number: d.ddde+x.
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), std::abs(value), std::chars_format::scientific).ptr;
  const std::string_view shortest{text.data(), end};
  const auto e = shortest.find('e');
  std::string digits{shortest.substr(0, 1)};
  if (e > 2) digits += shortest.substr(2, e - 2);
  int exponent = 0;
  const auto sign = shortest[e + 1];
  std::from_chars(shortest.data() + e + 2, shortest.data() + shortest.size(), exponent);
  const int point = (sign == '-' ? -exponent : exponent) + 1;  // its place, counted from before the digits
  const auto count = static_cast<int>(digits.size());
  if (point >= count && point <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(point - count), '0');
  } else if (point > 0 && point <= 21) {
    out += digits.insert(static_cast<std::size_t>(point), 1, '.');
  } else if (point > -6 && point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
    out += digits;
  } else {
    if (count > 1) digits.insert(1, 1, '.');
    out += digits;
    out += point > 0 ? "e+" : "e-";
    out += std::to_string(std::abs(point - 1));
  }
}

void append(std::string& out, const bj::value& value);

void append_members(std::string& out, const bj::object& object) {
  std::vector<std::pair<std::u16string, const bj::key_value_pair*>> members;
  for (const auto& one : object) members.emplace_back(utf16_of(one.key()), &one);
  std::ranges::sort(members, {}, [](const auto& one) -> const std::u16string& { return one.first; });
  out += '{';
  for (bool first = true; const auto& [units, member] : members) {
    if (!std::exchange(first, false)) out += ',';
    append_name(out, member->key());
    append(out, member->value());
  }
  out += '}';
}

void append(std::string& out, const bj::value& value) {
  switch (value.kind()) {
    case bj::kind::object:
      return append_members(out, value.get_object());
    case bj::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& one : value.get_array()) {
        if (!std::exchange(first, false)) out += ',';
        append(out, one);
      }
      out += ']';
      return;
    }
    case bj::kind::string:
      return append_string(out, value.get_string());
    case bj::kind::int64:
      return append_number(out, static_cast<double>(value.get_int64()));
    case bj::kind::uint64:
      return append_number(out, static_cast<double>(value.get_uint64()));
    case bj::kind::double_:
      return append_number(out, value.get_double());
    case bj::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      return;
    case bj::kind::null:
      out += "null";
      return;
  }
}

}  // namespace

void append_canonical(std::string& out, std::string_view text) {
  bj::error_code failed;
  const auto document = bj::parse({text.data(), text.size()}, failed);
  if (failed) throw std::invalid_argument{"not JSON: " + failed.message()};
  append(out, document);
}

std::array<std::uint8_t, 32> canonical_digest(std::string_view text) {
  std::string canonical;
  append_canonical(canonical, text);
  std::array<std::uint8_t, 32> digest{};
  unsigned length = 0;
  if (EVP_Digest(canonical.data(), canonical.size(), digest.data(), &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error{"SHA-256 is not to be had from OpenSSL"};
  return digest;
}

}  // namespace gateway::json
