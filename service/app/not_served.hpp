#pragma once

#include <string>
#include <vector>

#include "settings/configuration.hpp"
#include "settings/fault.hpp"

namespace gateway::app {

// What a configuration may say and this version does not do. `refused`: running without it would be less safe than the
// configuration says, so the gateway does not start. `announced`: it starts, and says so.
struct not_served {
  std::vector<settings::warning> refused;
  std::vector<settings::warning> announced;
};
not_served find_not_served(const settings::configuration& c);

}  // namespace gateway::app
