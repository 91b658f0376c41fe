#pragma once

#include <array>

namespace gateway::onboarding {

// Characters of ASCII, whatever the locale says.
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) noexcept {
  return c >= 'A' && c <= 'Z';
}
constexpr char lower(char c) noexcept {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
// Looked up: of each creation's hundred digits of UUIDs none has a branch.
inline constexpr auto hex_digits = [] {
  std::array<bool, 256> all{};
  for (unsigned char c = '0'; c <= '9'; ++c) all[c] = true;
  for (unsigned char c = 'a'; c <= 'f'; ++c) all[c] = all[static_cast<unsigned char>(c - 'a' + 'A')] = true;
  return all;
}();
constexpr bool is_hex(char c) noexcept {
  return hex_digits[static_cast<unsigned char>(c)];
}

}  // namespace gateway::onboarding
