#include "dispatch/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace gateway::dispatch {
namespace {

using namespace std::string_view_literals;

constexpr std::array months{"Jan"sv, "Feb"sv, "Mar"sv, "Apr"sv, "May"sv, "Jun"sv,
                            "Jul"sv, "Aug"sv, "Sep"sv, "Oct"sv, "Nov"sv, "Dec"sv};
constexpr std::array days{"Mon"sv, "Tue"sv, "Wed"sv, "Thu"sv, "Fri"sv, "Sat"sv, "Sun"sv};
constexpr std::array long_days{"Monday"sv, "Tuesday"sv,  "Wednesday"sv, "Thursday"sv,
                               "Friday"sv, "Saturday"sv, "Sunday"sv};

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Takes one part after the other from the front; after the first that does not fit nothing fits.
class taker {
 public:
  explicit taker(std::string_view text) noexcept : left_{text} {}

  bool whole() const noexcept { return fits_ && left_.empty(); }
  taker& literal(std::string_view text) noexcept {
    fits_ = fits_ && left_.starts_with(text);
    if (fits_) left_.remove_prefix(text.size());
    return *this;
  }
  // Counted from 1.
  taker& name(std::span<const std::string_view> of, unsigned& into) noexcept {
    const auto found = std::ranges::find_if(of, [this](auto text) { return left_.starts_with(text); });
    fits_ = fits_ && found != of.end();
    if (!fits_) return *this;
    into = static_cast<unsigned>(found - of.begin()) + 1;
    return literal(*found);
  }
  taker& name(std::span<const std::string_view> of) noexcept {
    unsigned ignored = 0;
    return name(of, ignored);
  }
  taker& number(std::size_t digits, unsigned& into) noexcept {
    fits_ = fits_ && left_.size() >= digits && std::ranges::all_of(left_.substr(0, digits), is_digit);
    if (!fits_) return *this;
    const auto text = left_.substr(0, digits);
    std::from_chars(text.data(), text.data() + text.size(), into);
    left_.remove_prefix(digits);
    return *this;
  }
  // Two places, the first of which may be a space.
  taker& padded_day(unsigned& into) noexcept {
    return left_.starts_with(' ') ? literal(" ").number(1, into) : number(2, into);
  }

 private:
  std::string_view left_;
  bool fits_ = true;
};

struct calendar_parts {
  unsigned year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;

  // In whole seconds: the year 9999 is beyond what nanoseconds can count.
  std::optional<std::chrono::sys_seconds> instant() const noexcept {
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)}, std::chrono::month{month},
                                           std::chrono::day{day}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;  // 60: a leap second
    return std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
           std::chrono::seconds{second};
  }
};

taker& time_of_day(taker& from, calendar_parts& into) noexcept {
  return from.number(2, into.hour).literal(":").number(2, into.minute).literal(":").number(2, into.second);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<calendar_parts> imf_fixdate(std::string_view text) noexcept {
  calendar_parts p;
  taker from{text};
  from.name(days).literal(", ").number(2, p.day).literal(" ").name(months, p.month).literal(" ").number(4, p.year);
  time_of_day(from.literal(" "), p).literal(" GMT");
  return from.whole() ? std::optional{p} : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"; a year that seems more than 50 years ahead is the last one with these digits.
std::optional<calendar_parts> rfc850_date(std::string_view text, time::wall_instant now) noexcept {
  calendar_parts p;
  taker from{text};
  from.name(long_days).literal(", ").number(2, p.day).literal("-").name(months, p.month).literal("-").number(2, p.year);
  time_of_day(from.literal(" "), p).literal(" GMT");
  if (!from.whole()) return std::nullopt;
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const auto this_year = static_cast<unsigned>(static_cast<int>(today.year()));
  p.year += this_year / 100 * 100;
  if (p.year > this_year + 50) p.year -= 100;
  return p;
}

// "Sun Nov  6 08:49:37 1994"
std::optional<calendar_parts> asctime_date(std::string_view text) noexcept {
  calendar_parts p;
  taker from{text};
  from.name(days).literal(" ").name(months, p.month).literal(" ").padded_day(p.day);
  time_of_day(from.literal(" "), p).literal(" ").number(4, p.year);
  return from.whole() ? std::optional{p} : std::nullopt;
}

std::optional<std::chrono::sys_seconds> date(std::string_view text, time::wall_instant now) noexcept {
  auto parts = imf_fixdate(text);
  if (!parts) parts = rfc850_date(text, now);
  if (!parts) parts = asctime_date(text);
  if (!parts) return std::nullopt;
  return parts->instant();
}

time::duration seconds(std::string_view digits, time::duration most) noexcept {
  long long count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const auto longest = std::chrono::ceil<std::chrono::seconds>(most);
  if (error != std::errc{} || count > longest.count()) return most;  // more than a number can hold is a lot, too
  return std::min<time::duration>(std::chrono::seconds{count}, most);
}

}  // namespace

std::optional<time::duration> retry_after(std::string_view value, time::wall_instant now, time::duration most) {
  if (!value.empty() && std::ranges::all_of(value, is_digit)) return seconds(value, most);
  const auto when = date(value, now);
  if (!when) return std::nullopt;
  const auto this_second = std::chrono::floor<std::chrono::seconds>(now);
  const auto apart = *when - this_second;
  if (apart <= std::chrono::seconds{0}) return time::duration::zero();
  if (apart >= std::chrono::ceil<std::chrono::seconds>(most)) return most;
  return std::clamp<time::duration>(apart - (now - this_second), time::duration::zero(), most);
}

}  // namespace gateway::dispatch
