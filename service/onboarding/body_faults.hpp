#pragma once

#include <vector>

#include "foundation/errors/problem.hpp"
#include "foundation/json/scanner.hpp"

namespace gateway::onboarding {

// What a body is refused with that cannot be read, and one that says what it must not.
errors::failure malformed(const json::scan_error& e);
errors::failure invalid(std::vector<errors::fault> faults);

}  // namespace gateway::onboarding
