#include "simulator/model/calendar.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>

namespace simulator {
namespace {

using namespace std::chrono;

constexpr std::array weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
  int year;
  unsigned month;
  unsigned day;
};

civil civil_of(sys_days day) {
  const year_month_day date{day};
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day())};
}

}  // namespace

std::string iso_date(sys_days day) {
  const auto [y, m, d] = civil_of(day);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", y, m, d);
  return text.data();
}

std::string iso_instant(wall_instant when) {
  const auto day = floor<days>(when);
  const hh_mm_ss<nanoseconds> time{duration_cast<nanoseconds>(when - day)};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "T%02d:%02d:%02d.%09ldZ", static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<long>(time.subseconds().count()));
  return iso_date(day) + text.data();
}

std::string http_date(wall_instant when) {
  const auto day = floor<days>(when);
  const auto [y, m, d] = civil_of(day);
  const hh_mm_ss<seconds> time{floor<seconds>(when - day)};
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", weekdays[weekday{day}.c_encoding()], d,
                months[m - 1], y, static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  constexpr std::int64_t longest = 1'000'000'000;
  std::int64_t count = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0 || count > longest) return std::nullopt;
  const std::string_view unit{rest, static_cast<std::size_t>(text.data() + text.size() - rest)};
  if (unit == "ms") return milliseconds{count};
  if (unit == "s") return seconds{count};
  if (unit == "m") return minutes{count};
  if (unit == "h") return hours{count};
  return std::nullopt;
}

std::optional<rate> parse_rate(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  rate out;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + slash, out.count);
  const auto per = parse_duration(text.substr(slash + 1));
  if (error != std::errc{} || rest != text.data() + slash || out.count == 0 || !per || per->count() == 0)
    return std::nullopt;
  out.per = *per;
  return out;
}

}  // namespace simulator
