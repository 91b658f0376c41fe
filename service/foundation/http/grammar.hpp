#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace gateway::http {

// Which characters may stand somewhere.
using character_set = std::array<bool, 256>;

// ASCII letters and digits, and these.
constexpr character_set alphanumeric_and(std::string_view more) noexcept {
  character_set set{};
  for (unsigned char c = '0'; c <= '9'; ++c) set[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) set[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) set[c] = true;
  for (const char c : more) set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr bool in(const character_set& set, char c) noexcept {
  return set[static_cast<unsigned char>(c)];
}

// To the end in any case, here and below: branches cost more than the few characters of nearly every text.
constexpr bool all_in(const character_set& set, std::string_view text) noexcept {
  bool all = true;
  for (const char c : text) all &= in(set, c);
  return all;
}

// RFC 9110 section 5.6.2.
inline constexpr auto token_characters = alphanumeric_and("!#$%&'*+-.^_`|~");

constexpr bool is_token_character(char c) noexcept {
  return in(token_characters, c);
}

constexpr bool is_token(std::string_view text) noexcept {
  return !text.empty() && all_in(token_characters, text);
}

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

// What no line of a message may hold: control characters but the tab, and DEL.
constexpr bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

// Visible characters, blanks and what is beyond ASCII (RFC 9110 section 5.5).
constexpr bool is_field_value(std::string_view text) noexcept {
  bool controls = false;
  for (const char c : text) controls |= is_control(c);
  return !controls;
}

// Without the blanks around it.
constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace gateway::http
