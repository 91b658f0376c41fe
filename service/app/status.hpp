#pragma once

#include <string>
#include <vector>

#include "app/account.hpp"

namespace gateway::app {

// What an operator asks in an incident, as JSON: of every account its windows, its queue, its pause, its token and its
// circuit, and who holds the slots of its test account. Names of callers, ids of sessions and ages; never users. Any
// thread.
std::string render_status(const std::vector<const account_core*>& accounts, const time::clock& clock);

}  // namespace gateway::app
