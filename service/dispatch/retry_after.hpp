#pragma once

#include <optional>
#include <string_view>

#include "foundation/time/clock.hpp"

namespace gateway::dispatch {

// How long an answer asks us to wait: the value of Retry-After (RFC 9110 section 10.2.3), as seconds or as a date in
// any of the three forms of section 5.6.7, which is judged by the wall clock; at most `most`, and nothing below zero.
// Empty for anything else, which is as good as no such header.
std::optional<time::duration> retry_after(std::string_view value, time::wall_instant now, time::duration most);

}  // namespace gateway::dispatch
