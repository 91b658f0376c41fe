#pragma once

#include <string>
#include <vector>

#include "settings/configuration.hpp"
#include "settings/fault.hpp"

namespace gateway::app {

// What a configuration may say and this version does not do: it is announced, and running without it is not less safe.
std::vector<settings::warning> find_not_served(const settings::configuration& c);

}  // namespace gateway::app
