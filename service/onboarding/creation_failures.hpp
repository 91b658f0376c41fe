#pragma once

#include "foundation/errors/problem.hpp"

namespace gateway::onboarding {

// What whoever waits for a creation is told where it has come to nothing yet. `sent`: it may be made all the same.

// The gateway ends first.
errors::failure stopped(bool sent);
// The caller's time is over, or the caller has `gone`.
errors::failure not_in_time(bool sent, bool gone);

}  // namespace gateway::onboarding
