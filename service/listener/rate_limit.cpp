#include "listener/rate_limit.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gateway::listener {
namespace {

// Writes where there is room enough. Appending each piece to a string cost three times as much (3,400 instructions for
// two windows; callgrind).
class pen {
 public:
  explicit pen(char* at) noexcept : at_{at} {}
  void put(std::string_view text) noexcept {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(std::int64_t number) noexcept { at_ = std::to_chars(at_, at_ + longest_number, number).ptr; }
  char* end() const noexcept { return at_; }
  static constexpr std::size_t longest_number = 20;

 private:
  char* at_;
};

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

constexpr std::string_view policy_begin = "RateLimit-Policy: ";
constexpr std::string_view state_begin = "RateLimit: ";

// The most that both lines can have.
std::size_t room_for(std::span<const onboarding::window_state> windows) noexcept {
  std::size_t room = policy_begin.size() + state_begin.size() + 4;
  for (const auto& one : windows) room += 2 * (one.name.size() + sizeof R"(, "";w=;w=)" + 2 * pen::longest_number);
  return room;
}

void begin_item(pen& to, std::string_view header, bool first, std::string_view name) noexcept {
  to.put(first ? header : std::string_view{", "});
  to.put("\"");
  to.put(name);
  to.put("\"");
}

void write(pen& to, std::span<const onboarding::window_state> windows, time::instant now) noexcept {
  bool first = true;
  for (const auto& one : windows) {
    if (!shown(one, windows)) continue;
    begin_item(to, policy_begin, std::exchange(first, false), one.name);
    to.put(";q=");
    to.put(std::int64_t{one.rate});
    to.put(";w=");
    to.put(whole_seconds(one.per));
  }
  if (first) return;
  to.put("\r\n");
  first = true;
  for (const auto& one : windows) {
    if (!shown(one, windows)) continue;
    begin_item(to, state_begin, std::exchange(first, false), one.name);
    to.put(";r=");
    to.put(std::int64_t{one.remaining});
    if (one.restored <= now) continue;
    to.put(";t=");
    to.put(whole_seconds(one.restored - now));
  }
  to.put("\r\n");
}

}  // namespace

void add_rate_limits(std::string& lines, std::span<const onboarding::window_state> windows, time::instant now) {
  const auto before = lines.size();
  lines.resize_and_overwrite(before + room_for(windows), [&](char* text, std::size_t) {
    pen to{text + before};
    write(to, windows, now);
    return static_cast<std::size_t>(to.end() - text);
  });
}

}  // namespace gateway::listener
