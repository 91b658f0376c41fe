#include "onboarding/calendar.hpp"

#include <array>

namespace gateway::onboarding {
namespace {

using namespace std::chrono;

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Reads exactly `digits` digits off the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(0, digits)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view one_of) {
  if (text.empty() || !one_of.contains(text.front())) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<sys_days> take_date(std::string_view& text) {
  const auto y = take_number(text, 4);
  if (!y || !take(text, "-")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take(text, "-")) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d) return std::nullopt;
  const year_month_day date{year{static_cast<int>(*y)}, month{*m}, day{*d}};
  if (!date.ok()) return std::nullopt;
  return sys_days{date};
}

// "12:34:56" with an optional fraction, which is cut off. A leap second (:60) counts as the second before it: earlier
// is safe here, later is not.
std::optional<seconds> take_time(std::string_view& text) {
  const auto h = take_number(text, 2);
  if (!h || *h > 23 || !take(text, ":")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || *m > 59 || !take(text, ":")) return std::nullopt;
  const auto s = take_number(text, 2);
  if (!s || *s > 60) return std::nullopt;
  if (take(text, ".")) {
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
  }
  return hours{*h} + minutes{*m} + seconds{*s == 60 ? 59 : *s};
}

std::optional<minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) return minutes{0};
  if (text.empty()) return std::nullopt;
  const bool west = text.front() == '-';
  if (!take(text, "+-")) return std::nullopt;
  const auto h = take_number(text, 2);
  if (!h || *h > 23 || !take(text, ":")) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || *m > 59) return std::nullopt;
  const minutes east = hours{*h} + minutes{*m};
  return west ? -east : east;
}

// Writes the last digits of `value` before `end`.
void put_digits(char* end, unsigned value, int digits) noexcept {
  for (; digits > 0; --digits, value /= 10) *--end = static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<sys_seconds> earliest_expiry(std::string_view expiration_date, minutes offset) {
  auto rest = expiration_date;
  const auto day = take_date(rest);
  if (!day) return std::nullopt;
  if (rest.empty()) return sys_seconds{*day} + days{1} - offset;
  if (!take(rest, "Tt ")) return std::nullopt;
  const auto time_of_day = take_time(rest);
  if (!time_of_day) return std::nullopt;
  const auto stated = rest.empty() ? offset : take_offset(rest);
  if (!stated || !rest.empty()) return std::nullopt;
  return sys_seconds{*day} + *time_of_day - *stated;
}

void append_rfc3339(std::string& out, sys_seconds at) {
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time_of_day{at - day};
  std::array<char, 20> text{"0000-00-00T00:00:00"};
  const auto put = [&](std::size_t at, auto value, int digits) {
    put_digits(text.data() + at + digits, static_cast<unsigned>(value), digits);
  };
  put(0, static_cast<int>(date.year()), 4);
  put(5, static_cast<unsigned>(date.month()), 2);
  put(8, static_cast<unsigned>(date.day()), 2);
  put(11, time_of_day.hours().count(), 2);
  put(14, time_of_day.minutes().count(), 2);
  put(17, time_of_day.seconds().count(), 2);
  text.back() = 'Z';
  out.append(text.data(), text.size());
}

}  // namespace gateway::onboarding
