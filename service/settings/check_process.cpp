#include "settings/checks.hpp"
#include "settings/scalars.hpp"

#include <algorithm>

namespace gateway::settings {

void complete(configuration& c) {
  for (auto& [name, a] : c.accounts) {
    while (a.base_url.path.ends_with('/')) a.base_url.path.pop_back();
    if (a.token.url.empty() && !a.base_url.empty()) {
      a.token.url = a.base_url;
      a.token.url.path = "/oauth2/token/";  // the slash at the end matters: Django answers 301 without it
    }
  }
}

void check_listeners(const configuration& c, collector& faults) {
  const auto& api = c.listeners.api;
  const auto& admin = c.listeners.admin;
  if (faults.faulty("listeners.api.port") || faults.faulty("listeners.admin.port") ||
      faults.faulty("listeners.api.address") || faults.faulty("listeners.admin.address"))
    return;
  const bool overlap = api.address == admin.address || api.address.is_unspecified() || admin.address.is_unspecified();
  if (overlap && api.port == admin.port && api.port != 0)
    faults.add("listeners.admin.port", show(admin.port) + " is the port of listeners.api already");
}

void check_process(const configuration& c, collector& faults) {
  const auto& state = c.shared_state;
  if (state.store == store_kind::redis && !state.redis && !faults.faulty("shared_state.redis"))
    faults.add("shared_state.redis", "is missing: write redis: {url: rediss://...}, which store: redis needs");
  if (state.redis && !faults.faulty("shared_state.redis.url")) {
    const auto& path = state.redis->url.path;
    const bool number = path.size() <= 4 && std::ranges::all_of(path.substr(std::min<std::size_t>(1, path.size())),
                                                                [](char x) { return x >= '0' && x <= '9'; });
    if (!number)
      faults.add("shared_state.redis.url", in_quotes(path) + " is no number of a database, which the path must be");
  }
  // The kernel's limit for the path of a Unix socket, less the zero at its end.
  constexpr std::size_t longest = 107;
  const auto check_length = [&](const std::string& key, const std::optional<std::filesystem::path>& socket) {
    if (socket && socket->native().size() > longest && !faults.faulty(key))
      faults.add(key, "is " + std::to_string(socket->native().size()) +
                          " characters long; a Unix socket's path has at most 107");
  };
  check_length("control_socket", c.control_socket);
  if (state.redis) check_length("shared_state.redis.unix_socket", state.redis->unix_socket);
}

}  // namespace gateway::settings
