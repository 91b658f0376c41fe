#pragma once

#include <string>
#include <string_view>

#include "onboarding/account_view.hpp"

namespace gateway::listener {

// GET /v1/accounts/{account}, as JSON. `total_timeout`: how long a request may take.
std::string render_account(std::string_view name, const onboarding::account_view& seen, time::duration total_timeout);

}  // namespace gateway::listener
