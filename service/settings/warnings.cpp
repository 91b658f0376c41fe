#include "settings/load.hpp"
#include "settings/scalars.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <cmath>

namespace gateway::settings {
namespace {

using list = std::vector<warning>;

void about_account(const std::string& path, const configuration& c, const std::string& name, const account& a,
                   list& out) {
  if (a.limits.requests.empty() && a.limits.sessions.empty() && !a.test_account)
    out.push_back({path + ".limits", "there is no window, so nothing but max_connections limits what is sent"});
  if (!a.token.url.path.ends_with('/'))
    out.push_back({path + ".token.url",
                   "has no / at its end: Podero's server answers 301 to such a token request, which is not followed"});
  if (a.limits.queue.max_wait >= a.timeouts.total)
    out.push_back({path + ".limits.queue.max_wait", show(a.limits.queue.max_wait) +
                                                        " is not shorter than timeouts.total (" +
                                                        show(a.timeouts.total) + "), which ends the wait first"});
  if (a.timeouts.connect + a.timeouts.exchange > a.timeouts.total)
    out.push_back({path + ".timeouts.total",
                   show(a.timeouts.total) + " is shorter than connect and exchange together, which it cuts off"});
  if (c.drain.timeout < a.timeouts.exchange)
    out.push_back({"drain.timeout", show(c.drain.timeout) + " is shorter than " + path + ".timeouts.exchange (" +
                                        show(a.timeouts.exchange) +
                                        "): what was sent may be cut off, and a creation's effect then stays unknown"});
  if (a.allow_http_redirects)
    out.push_back(
        {path + ".allow_http_redirects", "http redirects are allowed: what the browser carries back can be read"});
  const auto users = std::ranges::count_if(c.callers, [&](const auto& one) {
    return std::ranges::find(one.second.accounts, name) != one.second.accounts.end();
  });
  if (a.defaults.contains("price_zone_default") && users > 1)
    out.push_back({path + ".defaults.price_zone_default",
                   "several callers share this account: one that forgets its price zone gets this one unnoticed"});
}

// A window of which the degraded share is less than one permit refuses everything while the store is away.
void about_degraded_share(const std::string& path, const configuration& c, const account& a, list& out) {
  if (c.shared_state.store != store_kind::redis || a.limits.degraded_share == 0) return;
  const auto look = [&](std::string_view key, const std::vector<window>& windows) {
    for (std::size_t i = 0; i < windows.size(); ++i)
      if (std::floor(windows[i].rate * a.limits.degraded_share / c.shared_state.max_replicas) < 1)
        out.push_back({path + ".limits.degraded_share",
                       "leaves less than one permit of " + std::string{key} + "[" + std::to_string(i) + "] (" +
                           show(windows[i].rate) + " per " + show(windows[i].per) + ") to each of " +
                           show(c.shared_state.max_replicas) +
                           " replicas: without the store everything is refused, as with 0"});
  };
  look("requests", a.limits.requests);
  look("sessions", a.limits.sessions);
}

void about_test_account(const configuration& c, const std::string& name, const test_account& t, list& out) {
  const auto path = member("test_accounts", name);
  const auto is_user = [&](const auto& one) { return one.second.test_account == name; };
  if (std::ranges::none_of(c.accounts, is_user)) out.push_back({path, "no account uses it"});
  if (c.shared_state.store != store_kind::memory) return;
  const auto longest = std::ranges::max(t.limits.sessions, {}, &window::per);
  if (longest.per > 1min)
    out.push_back(
        {path + ".limits.sessions",
         "the window of " + show(longest.per) +
             " is remembered in memory only: it starts anew with every process, and each replica has its own"});
}

void about_caller(const std::string& path, const configuration& c, const caller& one, list& out) {
  for (const auto& [account_name, limits] : one.limits)
    if (const auto found = c.accounts.find(account_name);
        limits.open_sessions && found != c.accounts.end() && !found->second.test_account)
      out.push_back({member(path + ".limits", account_name) + ".open_sessions",
                     "has no effect: only accounts with a test_account have slots"});
  for (const std::string_view name : {"success_url", "cancel_url"})
    if (const auto* value = one.defaults.if_contains(boost::json::string_view{name.data(), name.size()});
        value != nullptr && value->is_string() && value->get_string().starts_with("http:"))
      out.push_back({path + ".defaults." + std::string{name}, "is an http redirect"});
}

void about_shared_state(const configuration& c, list& out) {
  const auto& state = c.shared_state;
  if (state.store == store_kind::memory) {
    if (state.redis) out.push_back({"shared_state.redis", "is not used: store is memory"});
    if (state.max_replicas > 1)
      out.push_back(
          {"shared_state.max_replicas",
           "several replicas with store: memory do not know of each other: every limit counts once per replica"});
    return;
  }
  if (!state.redis || state.redis->url.scheme != "redis") return;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(state.redis->url.host, error);
  const bool local = state.redis->url.host == "localhost" || (!error && address.is_loopback());
  if (!local) out.push_back({"shared_state.redis.url", "is spoken to without TLS: write rediss://"});
}

}  // namespace

list warnings(const configuration& c, unsigned loops) {
  list out;
  if (c.callers.empty())
    out.push_back({"callers", "there are none: everybody who reaches listeners.api may use every account"});
  else if (c.allow_anonymous)
    out.push_back({"allow_anonymous", "has no effect, because there are callers"});
  for (const auto& [name, a] : c.accounts) {
    const auto path = member("accounts", name);
    about_account(path, c, name, a, out);
    if (a.pool.max_connections < loops)
      out.push_back({path + ".pool.max_connections",
                     show(a.pool.max_connections) + " is fewer than there are event loops (threads: " + show(loops) +
                         "): one closes its connection for another to open one, with a TLS handshake each time"});
    about_degraded_share(path, c, a, out);
  }
  for (const auto& [name, t] : c.test_accounts) about_test_account(c, name, t, out);
  for (const auto& [name, one] : c.callers) about_caller(member("callers", name), c, one, out);
  about_shared_state(c, out);
  return out;
}

}  // namespace gateway::settings
