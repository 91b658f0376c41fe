#pragma once

#include "dispatch/attempt.hpp"
#include "foundation/errors/problem.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace gateway::onboarding {

using dispatch::operation;

// A complete answer of Podero that is no success.
struct upstream_refusal {
  unsigned status = 0;
  std::string_view body{};                            // of any kind; what cannot be read is left aside
  std::optional<std::chrono::seconds> retry_after{};  // what the account's pause makes of it, rounded up
};

// What the caller hears of it (contract.md's table of problems). Of the body only `detail` is handed on, of 400, 409
// and 422, bounded and without control characters; nothing else leaks. `account` is its name in the configuration.
errors::failure upstream_failure(operation what, const upstream_refusal& answer, std::string_view account);

// A success (2xx) whose body cannot be used, for a `reason` that holds nothing of the body. The effect of a creation is
// `created` where Podero said 201 or the body names what was made (`identified`), and `unknown` otherwise: a proxy's
// page also comes with 200. Either way the caller is told to use the same key again, as another creation would make
// another session.
errors::failure unusable_success(operation what, unsigned status, std::string_view reason, bool identified);

}  // namespace gateway::onboarding
