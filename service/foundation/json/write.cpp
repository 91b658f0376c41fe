#include "foundation/json/write.hpp"

namespace gateway::json {
namespace {

constexpr std::string_view lower_digits = "0123456789abcdef";
constexpr std::string_view upper_digits = "0123456789ABCDEF";

constexpr bool needs_escape(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += lower_digits[byte >> 4U];
  out += lower_digits[byte & 0xFU];
}

// RFC 3986 section 3.5, without '/', which only separates steps here, and '%', which begins an escape.
constexpr bool stands_in_fragment(char c) noexcept {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view{"-._~!$&'()*+,;=:@?"}.contains(c);
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  bool escapes = false;  // to the end in any case: that loop compiles to vector instructions, and most texts have none
  for (const char c : text) escapes |= needs_escape(c);
  out += '"';
  if (!escapes) {
    out += text;
    out += '"';
    return;
  }
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    out.append(text, plain, i - plain);
    append_escaped(out, text[i]);
    plain = i + 1;
  }
  out.append(text, plain);
  out += '"';
}

void append_name(std::string& out, std::string_view name) {
  append_string(out, name);
  out += ':';
}

std::string_view cut(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

std::string shorten(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return std::string{text};
  return std::string{cut(text, bytes)} + "...";
}

void append_pointer_step(std::string& out, std::string_view name) {
  out += '/';
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

void append_fragment_step(std::string& out, std::string_view name) {
  std::string step;
  append_pointer_step(step, name);
  out += '/';
  for (const char c : std::string_view{step}.substr(1)) {
    if (stands_in_fragment(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += upper_digits[byte >> 4U];
    out += upper_digits[byte & 0xFU];
  }
}

std::string fragment_pointer(std::string_view name) {
  std::string out = "#";
  append_fragment_step(out, name);
  return out;
}

}  // namespace gateway::json
