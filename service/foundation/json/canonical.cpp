#include "foundation/json/canonical.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
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

// Values in their canonical form, put together while the text is parsed: an object's members when it ends.
struct canonical_writer {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  struct member {
    std::u16string sorted_by;
    std::string text;  // "name":value
  };
  struct open {
    bool object = false;
    std::string items{};  // of an array
    std::vector<member> members{};
    std::string key{};
  };

  void value(std::string_view text) {
    if (stack.empty()) {
      result = text;
      return;
    }
    auto& in = stack.back();
    if (!in.object) {
      if (!in.items.empty()) in.items += ',';
      in.items += text;
      return;
    }
    member made{utf16_of(in.key), {}};
    append_name(made.text, in.key);
    made.text += text;
    in.members.push_back(std::move(made));
  }
  bool number(std::string_view rest) {
    pending += rest;
    double parsed = 0;
    // Boost.JSON 1.81 is a unit in the last place off for some numbers; this is exact.
    const auto read = std::from_chars(pending.data(), pending.data() + pending.size(), parsed);
    std::string text;
    // What no double holds stands for itself: I-JSON has no such numbers.
    if (read.ec == std::errc{})
      append_number(text, parsed);
    else
      text = pending;
    pending.clear();
    value(text);
    return true;
  }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) {
    stack.push_back({.object = true});
    return true;
  }
  bool on_object_end(std::size_t, bj::error_code&) {
    auto members = std::move(stack.back().members);
    stack.pop_back();
    std::ranges::sort(members, {}, &member::sorted_by);
    std::string text{"{"};
    for (bool first = true; const auto& one : members) {
      if (!std::exchange(first, false)) text += ',';
      text += one.text;
    }
    value(text + "}");
    return true;
  }
  bool on_array_begin(bj::error_code&) {
    stack.push_back({.object = false});
    return true;
  }
  bool on_array_end(std::size_t, bj::error_code&) {
    const auto items = std::move(stack.back().items);
    stack.pop_back();
    value("[" + items + "]");
    return true;
  }
  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) {
    pending.append(part.data(), part.size());
    return true;
  }
  bool on_key(bj::string_view rest, std::size_t, bj::error_code&) {
    pending.append(rest.data(), rest.size());
    stack.back().key = std::exchange(pending, {});
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) {
    pending.append(part.data(), part.size());
    return true;
  }
  bool on_string(bj::string_view rest, std::size_t, bj::error_code&) {
    pending.append(rest.data(), rest.size());
    std::string text;
    append_string(text, pending);
    pending.clear();
    value(text);
    return true;
  }
  bool on_number_part(bj::string_view part, bj::error_code&) {
    pending.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t, bj::string_view rest, bj::error_code&) { return number({rest.data(), rest.size()}); }
  bool on_uint64(std::uint64_t, bj::string_view rest, bj::error_code&) { return number({rest.data(), rest.size()}); }
  bool on_double(double, bj::string_view rest, bj::error_code&) { return number({rest.data(), rest.size()}); }
  bool on_bool(bool is, bj::error_code&) {
    value(is ? "true" : "false");
    return true;
  }
  bool on_null(bj::error_code&) {
    value("null");
    return true;
  }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

  std::string result;
  std::vector<open> stack;
  std::string pending;  // of a key, string or number that comes in parts
};

}  // namespace

void append_canonical(std::string& out, std::string_view text) {
  bj::basic_parser<canonical_writer> parser{bj::parse_options{}};
  bj::error_code failed;
  const auto read = parser.write_some(false, text.data(), text.size(), failed);
  if (failed || read != text.size()) throw std::invalid_argument{"not JSON: " + failed.message()};
  out += parser.handler().result;
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
