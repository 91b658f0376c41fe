#include "listener/rate_limit.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gateway::listener {
namespace {

void append_number(std::string& out, std::int64_t value) {
  std::array<char, 24> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

std::int64_t whole_seconds(time::duration of) {
  return std::chrono::ceil<std::chrono::seconds>(of).count();
}

// The one that is shown under its name.
bool shown(const onboarding::window_state& one, std::span<const onboarding::window_state> all) {
  if (one.per < std::chrono::seconds{1}) return false;
  return std::ranges::none_of(all, [&](const auto& other) {
    if (&other == &one || other.name != one.name) return false;
    return other.remaining != one.remaining ? other.remaining < one.remaining : &other < &one;
  });
}

void begin_item(std::string& out, std::string_view header, bool first, std::string_view name) {
  out += first ? header : std::string_view{", "};
  out += '"';
  out += name;
  out += '"';
}

}  // namespace

void add_rate_limits(std::string& lines, std::span<const onboarding::window_state> windows, time::instant now) {
  bool first = true;
  for (const auto& one : windows) {
    if (!shown(one, windows)) continue;
    begin_item(lines, "RateLimit-Policy: ", std::exchange(first, false), one.name);
    lines += ";q=";
    append_number(lines, one.rate);
    lines += ";w=";
    append_number(lines, whole_seconds(one.per));
  }
  if (first) return;
  lines += "\r\n";
  first = true;
  for (const auto& one : windows) {
    if (!shown(one, windows)) continue;
    begin_item(lines, "RateLimit: ", std::exchange(first, false), one.name);
    lines += ";r=";
    append_number(lines, one.remaining);
    if (one.restored <= now) continue;
    lines += ";t=";
    append_number(lines, whole_seconds(one.restored - now));
  }
  lines += "\r\n";
}

}  // namespace gateway::listener
