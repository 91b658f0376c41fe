#include "app/not_served.hpp"

namespace gateway::app {

std::vector<settings::warning> find_not_served(const settings::configuration& c) {
  std::vector<settings::warning> found;
  if (c.control_socket) found.push_back({"control_socket", "not served by this version"});
  return found;
}

}  // namespace gateway::app
