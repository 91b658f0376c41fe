#include "listener/rate_limit.hpp"

#include "listener/pen.hpp"

#include <algorithm>

namespace gateway::listener {
namespace {

std::uint64_t whole_seconds(time::duration of) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(of).count());
}

// The one that is shown under its name. (Names are compared last: that costs the most.)
bool shown(const onboarding::window_state& one, std::span<const onboarding::window_state> all) {
  if (one.per < std::chrono::seconds{1}) return false;
  return std::ranges::none_of(all, [&](const auto& other) {
    const bool before = other.remaining != one.remaining ? other.remaining < one.remaining : &other < &one;
    return before && other.name == one.name;
  });
}

constexpr std::string_view policy_begin = "RateLimit-Policy: ";
constexpr std::string_view state_begin = "RateLimit: ";

// The most that one of the two lines can have.
std::size_t room_for(std::span<const onboarding::window_state> windows) noexcept {
  std::size_t room = policy_begin.size() + 2;
  for (const auto& one : windows) room += one.name.size() + sizeof R"(, "";w=;w=)" + 2 * pen::longest_number;
  return room;
}

void begin_item(pen& to, std::string_view header, bool first, std::string_view name) noexcept {
  if (first)
    to.put(header);
  else
    to.put(", ");
  to.put('"');
  to.put(name);
  to.put('"');
}

// One window in both lines.
void write(pen& policy, pen& state, bool first, const onboarding::window_state& one, time::instant now) noexcept {
  begin_item(policy, policy_begin, first, one.name);
  policy.put(";q=");
  policy.put_number(one.rate);
  policy.put(";w=");
  policy.put_number(whole_seconds(one.per));
  begin_item(state, state_begin, first, one.name);
  state.put(";r=");
  state.put_number(one.remaining);
  if (one.restored <= now) return;
  state.put(";t=");
  state.put_number(whole_seconds(one.restored - now));
}

}  // namespace

void add_rate_limits(std::string& lines, std::span<const onboarding::window_state> windows, time::instant now) {
  const auto room = room_for(windows);
  append(lines, 2 * room, [&](pen& policy) {
    char* const second = policy.end() + room;  // where the second line grows, in the same walk
    pen state{second};
    for (const auto& one : windows) {
      if (shown(one, windows)) write(policy, state, state.end() == second, one, now);
    }
    if (state.end() == second) return;
    policy.put("\r\n");
    state.put("\r\n");
    policy.put({second, state.end()});
  });
}

}  // namespace gateway::listener
