#include "settings/scalars.hpp"

#include "settings/fault.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace gateway::settings {
namespace {

std::unexpected<std::string> no(std::string_view text, std::string_view what) {
  return std::unexpected(in_quotes(text) + " " + std::string{what});
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array duration_units{unit{"ms", 1}, unit{"s", 1000}, unit{"m", 60'000}, unit{"h", 3'600'000}};
constexpr std::array size_units{unit{"B", 1}, unit{"KiB", 1024}, unit{"MiB", 1024 * 1024},
                                unit{"GiB", 1024ULL * 1024 * 1024}};

// A whole number directly followed by one of the units; `none` when the form is another.
std::optional<std::uint64_t> with_unit(std::string_view text, std::span<const unit> units, std::uint64_t largest) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const auto name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& u : units)
    if (u.name == name && number <= largest / u.factor) return number * u.factor;
  return std::nullopt;
}

std::string in_largest_unit(std::uint64_t value, std::span<const unit> units, std::string_view of_zero) {
  if (value == 0) return std::string{of_zero};
  for (auto i = units.size(); i-- > 0;)
    if (value % units[i].factor == 0) return std::to_string(value / units[i].factor) + std::string{units[i].name};
  return {};
}

std::optional<unsigned> hex_digit(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

parsed<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return no(text, "is neither true nor false");
}

parsed<std::uint64_t> parse_whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) return no(text, "is too large");
  if (error != std::errc{} || end != text.data() + text.size()) return no(text, "is no whole number such as 8");
  return number;
}

parsed<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number))
    return no(text, "is no number such as 0.5");
  return number;
}

parsed<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t largest = 100ULL * 366 * 24 * 3'600'000;  // a century: far from where sums overflow
  if (const auto value = with_unit(text, duration_units, largest))
    return std::chrono::milliseconds{static_cast<std::chrono::milliseconds::rep>(*value)};
  if (!text.empty() && std::ranges::all_of(text, is_digit))
    return no(text, "has no unit: write a duration such as 250ms, 5s, 15m or 24h");
  return no(text, "is no duration: write a whole number and ms, s, m or h, such as 250ms, 5s, 15m or 24h");
}

parsed<byte_size> parse_size(std::string_view text) {
  constexpr std::uint64_t largest = 1ULL << 50U;
  if (const auto value = with_unit(text, size_units, largest)) return byte_size{*value};
  if (!text.empty() && std::ranges::all_of(text, is_digit))
    return no(text, "has no unit: write a size such as 512B, 16KiB or 4MiB");
  return no(text, "is no size: write a whole number and B, KiB, MiB or GiB, such as 16KiB");
}

parsed<utc_offset> parse_utc_offset(std::string_view text) {
  if (text == "Z") return utc_offset{};
  const bool form = text.size() == 6 && (text[0] == '+' || text[0] == '-') && is_digit(text[1]) && is_digit(text[2]) &&
                    text[3] == ':' && is_digit(text[4]) && is_digit(text[5]);
  if (!form) return no(text, "is no offset from UTC such as +03:00");
  const auto number = [&](std::size_t i) { return (text[i] - '0') * 10 + (text[i + 1] - '0'); };
  const auto minutes = number(1) * 60 + number(4);
  if (number(4) > 59 || minutes > 14 * 60) return no(text, "is beyond the offsets in use, -14:00 to +14:00");
  return utc_offset{std::chrono::minutes{text[0] == '-' ? -minutes : minutes}};
}

parsed<boost::asio::ip::address> parse_address(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  boost::system::error_code error;
  auto address = boost::asio::ip::make_address(std::string{text}, error);
  // Asio stops reading at a zero byte.
  if (error || text.contains('\0')) return no(text, "is no IP address such as 0.0.0.0, 127.0.0.1 or ::1");
  return address;
}

parsed<key_digest> parse_digest(std::string_view text) {
  // The text is not quoted back: somebody may have written the key itself here.
  key_digest digest{};
  const auto wrong =
      std::unexpected("must be the SHA-256 of the key as 64 hexadecimal digits, not " + std::to_string(text.size()) +
                      " characters" + (text.size() == 64 ? " of which some are no such digits" : "") +
                      " (onboarding-gateway key new NAME prints such a line)");
  if (text.size() != 2 * digest.size()) return wrong;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto high = hex_digit(text[2 * i]);
    const auto low = hex_digit(text[2 * i + 1]);
    if (!high || !low) return wrong;
    digest[i] = static_cast<std::uint8_t>(*high * 16 + *low);
  }
  return digest;
}

std::string show(bool value) {
  return value ? "true" : "false";
}
std::string show(std::uint64_t value) {
  return std::to_string(value);
}
std::string show(std::uint32_t value) {
  return std::to_string(value);
}
std::string show(std::uint16_t value) {
  return std::to_string(value);
}
std::string show(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;  // the shortest that reads back
  return {text.data(), end};
}

std::string show(std::chrono::milliseconds value) {
  return in_largest_unit(static_cast<std::uint64_t>(value.count()), duration_units, "0s");
}

std::string show(byte_size value) {
  return in_largest_unit(value.bytes, size_units, "0B");
}

std::string show(utc_offset value) {
  const auto minutes = value.value.count();
  const auto size = minutes < 0 ? -minutes : minutes;
  const auto two_digits = [](auto n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return (minutes < 0 ? "-" : "+") + two_digits(size / 60) + ":" + two_digits(size % 60);
}

std::string show(const key_digest& value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const auto byte : value) {
    out += digits[byte / 16U];
    out += digits[byte % 16U];
  }
  return out;
}

}  // namespace gateway::settings
