#include "settings/certificate_names.hpp"
#include "settings/check_bodies.hpp"
#include "settings/checks.hpp"
#include "settings/scalars.hpp"
#include "settings/suggestion.hpp"

#include <boost/url/parse.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace gateway::settings {

namespace {

template <class T>
std::string hint_of_names(std::string_view word, const std::map<std::string, T>& named) {
  std::vector<std::string_view> known;
  for (const auto& [name, unused] : named) known.push_back(name);
  return hint(word, known);
}

void check_account_references(const std::string& path, const configuration& c, const caller& one, collector& faults) {
  if (faults.faulty("accounts") && c.accounts.empty()) return;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < one.accounts.size(); ++i) {
    const auto& name = one.accounts[i];
    const auto place = element(path + ".accounts", i);
    if (name.empty() || faults.faulty(place)) continue;
    if (!c.accounts.contains(name))
      faults.add(place, in_quotes(name) + " does not stand under accounts" + hint_of_names(name, c.accounts));
    else if (!seen.insert(name).second)
      faults.add(place, in_quotes(name) + " stands here twice");
  }
  for (const auto& [name, limits] : one.limits) {
    const auto place = member(path + ".limits", name);
    if (!c.accounts.contains(name))
      faults.add(place, "does not stand under accounts" + hint_of_names(name, c.accounts));
    else if (std::ranges::find(one.accounts, name) == one.accounts.end() && !faults.faulty(path + ".accounts"))
      faults.add(place, "limits an account that this caller may not use: it is not in its accounts");
    check_windows(place + ".requests", limits.requests, faults);
    check_windows(place + ".sessions", limits.sessions, faults);
  }
}

void check_redirect_hosts(const std::string& path, const caller& one, collector& faults) {
  if (faults.faulty(path + ".redirect_hosts")) return;
  for (const std::string_view name : {"success_url", "cancel_url"}) {
    const auto* value = string_member(one.defaults, name);
    const auto place = member(path + ".defaults", name);
    if (value == nullptr || faults.faulty(place)) continue;
    const auto view = boost::urls::parse_uri(*value);
    if (view && !one.redirect_hosts.matches(view->host()))
      faults.add(place, in_quotes(view->host()) + " is not among this caller's redirect_hosts");
  }
}

void check_caller_defaults(const std::string& path, const configuration& c, const caller& one, collector& faults) {
  check_types(path + ".defaults", one.defaults, faults);
  for (const auto& name : one.accounts)
    if (const auto found = c.accounts.find(name); found != c.accounts.end())
      check_defaults_for(found->second, path + ".defaults", one.defaults, faults);
  check_redirect_hosts(path, one, faults);
}

void check_identity(const std::string& path, const configuration& c, const caller& one, collector& faults) {
  if (one.key_sha256.empty() && one.certificate_san.empty() && !faults.faulty(path + ".key_sha256") &&
      !faults.faulty(path + ".certificate_san"))
    faults.add(path, "has neither key_sha256 nor certificate_san, so nobody could be this caller");
  const auto& tls = c.listeners.api.tls;
  if (!one.certificate_san.empty() && !(tls && tls->client_ca_file) && !faults.faulty("listeners.api.tls"))
    faults.add(path + ".certificate_san",
               "needs listeners.api.tls.client_ca_file, against which certificates are checked");
}

// Two callers with one key: nobody could tell who it was.
class once {
 public:
  explicit once(collector& faults) : faults_{faults} {}

  void operator()(const std::string& path, const std::string& value, std::string_view caller, std::string_view what) {
    const auto [known, is_new] = first_.try_emplace(value, caller);
    if (is_new || faults_.faulty(path)) return;
    faults_.add(path, known->second == caller ? "stands here twice"
                                              : "is the same " + std::string{what} + " as that of the caller " +
                                                    known->second + ": every caller needs its own");
  }

 private:
  collector& faults_;
  std::map<std::string, std::string> first_;
};

void check_anonymous(const configuration& c, collector& faults) {
  if (faults.faulty("listeners.api.address") || faults.faulty("allow_anonymous") || faults.faulty("callers")) return;
  if (!c.callers.empty() || c.allow_anonymous || c.listeners.api.address.is_loopback()) return;
  const auto path = faults.stands_in_file("listeners.api.address") ? "listeners.api.address" : "callers";
  faults.add(path, "there are no callers, so everybody who reaches " + c.listeners.api.address.to_string() +
                       " could use every account: name callers, listen on 127.0.0.1, or set allow_anonymous: true");
}

}  // namespace

void check_callers(const configuration& c, collector& faults) {
  check_anonymous(c, faults);
  once keys{faults};
  once certificates{faults};
  for (const auto& [name, one] : c.callers) {
    const auto path = member("callers", name);
    for (std::size_t i = 0; i < one.key_sha256.size(); ++i)
      if (const auto place = element(path + ".key_sha256", i); !faults.faulty(place))
        keys(place, show(one.key_sha256[i]), name, "key");
    for (std::size_t i = 0; i < one.certificate_san.size(); ++i)
      certificates(element(path + ".certificate_san", i), certificate_name(one.certificate_san[i]), name, "name");
    check_account_references(path, c, one, faults);
    check_caller_defaults(path, c, one, faults);
    // Last, because these faults speak of the caller as a whole.
    check_identity(path, c, one, faults);
    if (name == "anonymous") faults.add(path, "is the name of callers without a key; choose another");
  }
}

}  // namespace gateway::settings
