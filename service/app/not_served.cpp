#include "app/not_served.hpp"

namespace gateway::app {
namespace {

void look_at_listener(const std::string& path, const settings::listener& l, not_served& found) {
  if (l.tls) found.refused.push_back({path + ".tls", "this version listens without TLS only"});
}

void look_at_account(const std::string& path, const settings::account& a, not_served& found) {
  if (a.require_idempotency_key)
    found.refused.push_back({path + ".require_idempotency_key", "this version does not keep idempotency keys"});
  if (!a.limits.requests.empty() || !a.limits.sessions.empty())
    found.announced.push_back({path + ".limits", "NOT ENFORCED by this version: every request is sent at once"});
  if (a.session_reuse.lifetime.count() > 0)
    found.announced.push_back({path + ".session_reuse", "not served by this version: every creation makes a session"});
}

}  // namespace

not_served find_not_served(const settings::configuration& c) {
  not_served found;
  look_at_listener("listeners.api", c.listeners.api, found);
  look_at_listener("listeners.admin", c.listeners.admin, found);
  for (const auto& [name, account] : c.accounts) look_at_account("accounts." + name, account, found);
  for (const auto& [name, unused] : c.test_accounts)
    found.announced.push_back(
        {"test_accounts." + name, "NOT ENFORCED by this version: neither its windows nor its slots"});
  for (const auto& [name, caller] : c.callers) {
    if (!caller.certificate_san.empty())
      found.refused.push_back(
          {"callers." + name + ".certificate_san", "this version knows callers by their keys only"});
    if (!caller.limits.empty())
      found.announced.push_back({"callers." + name + ".limits", "NOT ENFORCED by this version"});
  }
  if (c.shared_state.store == settings::store_kind::redis)
    found.refused.push_back({"shared_state.store", "this version keeps its state in memory only"});
  if (c.control_socket) found.announced.push_back({"control_socket", "not served by this version"});
  return found;
}

}  // namespace gateway::app
