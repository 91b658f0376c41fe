#pragma once

#include <span>
#include <string>

#include "foundation/time/clock.hpp"
#include "onboarding/account_view.hpp"

namespace gateway::listener {

// Appends the header lines `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): what the
// caller could get now. Windows shorter than a second are left out; of several of one name the one with less left
// counts. `t` is when the next used permit comes back, in seconds, rounded up. Appends nothing where there are no
// windows.
void add_rate_limits(std::string& lines, std::span<const onboarding::window_state> windows, time::instant now);

}  // namespace gateway::listener
