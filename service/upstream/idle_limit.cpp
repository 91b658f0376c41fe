#include "upstream/idle_limit.hpp"

#include <algorithm>
#include <charconv>

#include "foundation/http/grammar.hpp"

#include <boost/beast/core/string.hpp>

namespace gateway::upstream {
namespace {

using namespace std::chrono_literals;

// Closes within this time are one event: a restart takes all connections at once.
constexpr time::duration one_event = 1s;
// A server that closes sooner than this counts requests, or goes down; it has no idle limit that one could stay below.
constexpr time::duration too_short = 20ms;

// Ours comes first by a tenth, and by a second where there is as much: a request takes its time to reach the server.
time::duration below(time::duration limit) noexcept {
  return limit - std::min(limit / 2, std::max(limit / 10, time::duration{1s}));
}

// The same limit, seen twice: timers and round trips differ a little.
bool alike(time::duration a, time::duration b) noexcept {
  const auto difference = a < b ? b - a : a - b;
  return difference <= std::max(a, b) / 10 + 10ms;
}

}  // namespace

std::optional<std::chrono::seconds> kept_idle_for(const http::answer_head& head) noexcept {
  const auto field = head.fields.get(http::field::keep_alive);
  if (!field) return std::nullopt;
  for (auto rest = *field; !rest.empty();) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto parameter = http::trimmed(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto equals = parameter.find('=');
    if (equals == std::string_view::npos ||
        !boost::beast::iequals(http::trimmed(parameter.substr(0, equals)), "timeout"))
      continue;
    const auto digits = http::trimmed(parameter.substr(equals + 1));
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (error != std::errc{} || end != digits.data() + digits.size() || seconds == 0) return std::nullopt;
    return std::chrono::seconds{seconds};
  }
  return std::nullopt;
}

void idle_limit::closed_after(time::duration rested, time::duration longest, time::instant now) noexcept {
  if (rested < too_short || longest > rested + rested / 10 + 10ms) return;
  if (seen_ && now - seen_->seen_at < one_event) {
    seen_->age = std::max(seen_->age, rested);  // what goes down together says no more than its oldest
    return;
  }
  const bool again = seen_ && alike(rested, seen_->age);
  seen_ = observation{again ? std::min(rested, seen_->age) : rested, now, again};
}

void idle_limit::survived(time::duration rested) noexcept {
  if (seen_ && rested > seen_->age) seen_.reset();
}

bool idle_limit::believed(time::instant now) const noexcept {
  return seen_ && now - seen_->seen_at < (seen_->confirmed ? confirmed_for : suspect_for);
}

time::duration idle_limit::at(time::instant now) const noexcept {
  auto limit = configured_;
  if (advertised_) limit = std::min(limit, below(*advertised_));
  if (believed(now)) limit = std::min(limit, below(seen_->age));
  return limit;
}

}  // namespace gateway::upstream
