#include "app/not_served.hpp"

namespace gateway::app {
namespace {

void look_at_listener(const std::string& path, const settings::listener& l, not_served& found) {
  if (l.tls) found.refused.push_back({path + ".tls", "this version listens without TLS only"});
}

}  // namespace

not_served find_not_served(const settings::configuration& c) {
  not_served found;
  look_at_listener("listeners.api", c.listeners.api, found);
  look_at_listener("listeners.admin", c.listeners.admin, found);
  for (const auto& [name, caller] : c.callers) {
    if (!caller.certificate_san.empty())
      found.refused.push_back(
          {"callers." + name + ".certificate_san", "this version knows callers by their keys only"});
  }
  return found;
}

}  // namespace gateway::app
