#include "onboarding/calendar.hpp"

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

void append_padded(std::string& out, unsigned value, std::size_t digits) {
  const auto begin = out.size();
  out.append(digits, '0');
  for (auto i = begin + digits; i-- > begin; value /= 10) out[i] = static_cast<char>('0' + value % 10);
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
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, static_cast<unsigned>(time_of_day.hours().count()), 2);
  out += ':';
  append_padded(out, static_cast<unsigned>(time_of_day.minutes().count()), 2);
  out += ':';
  append_padded(out, static_cast<unsigned>(time_of_day.seconds().count()), 2);
  out += 'Z';
}

}  // namespace gateway::onboarding
