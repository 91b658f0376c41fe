#pragma once
// What every target uses: how it fails, and how it looks at what libFuzzer gives it.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace gateway::fuzz {

// A property of whatever came. Where it does not hold libFuzzer keeps the input.
inline void expect(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

// The first line, without its end; `rest` is what follows it.
inline std::string_view first_line(std::string_view text, std::string_view& rest) noexcept {
  const auto end = text.find('\n');
  rest = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return text.substr(0, end);
}

// The first byte as a number, taken off; 0 of nothing.
inline unsigned take_number(std::string_view& text) noexcept {
  if (text.empty()) return 0;
  const auto number = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  return number;
}

}  // namespace gateway::fuzz
