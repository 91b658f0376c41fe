#include "app/creation_rules.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <iterator>

#include "onboarding/creation_members.hpp"
#include "settings/suggestion.hpp"

namespace gateway::app {

namespace {

void note_undocumented(const std::string& path, const boost::json::object& defaults,
                       std::vector<settings::warning>& into) {
  std::array<std::string_view, onboarding::known_member_count> known;
  for (std::size_t i = 0; i < known.size(); ++i) known[i] = onboarding::known_member_name(i);
  for (const auto& one : defaults) {
    const std::string_view name{one.key().data(), one.key().size()};
    if (onboarding::find_known_member(name) != onboarding::known_member_count) continue;
    const auto meant = settings::nearest(name, known);
    into.push_back({settings::member(path + ".defaults", name),
                    "is no member that Podero documents" +
                        (meant ? " (did you mean " + std::string{*meant} + "?)" : std::string{}) +
                        ", and goes there with every creation"});
  }
}

}  // namespace

onboarding::creation_rules rules_of(const admission::account_policy& from) {
  onboarding::creation_rules rules;
  rules.languages = from.account->languages;
  rules.price_zones = from.account->price_zones;
  rules.unknown_members = from.account->unknown_members == settings::unknown_members::refuse
                              ? onboarding::unknown_members::refuse
                              : onboarding::unknown_members::pass;
  rules.redirects.http_to_localhost = from.account->allow_http_redirects;
  if (const auto* hosts = from.redirect_hosts; hosts != nullptr && hosts->restricted())
    rules.redirects.host_allowed = [hosts](std::string_view host) { return hosts->matches(host); };
  for (const auto& member : from.defaults)
    rules.defaults.push_back({std::string{member.key()}, boost::json::serialize(member.value())});
  return rules;
}

std::vector<std::string> default_faults(const admission::caller& of, const admission::account_policy& on,
                                        const onboarding::creation_rules& rules) {
  std::vector<std::string> found;
  for (const auto& fault : onboarding::check_defaults(rules))
    found.push_back("the defaults of caller " + of.name + " on account " + std::string{on.account_name} + ": " +
                    fault.name + ": " + fault.detail);
  return found;
}

std::vector<std::string> default_faults(const admission::directory& callers) {
  std::vector<std::string> found;
  for (const auto& caller : callers.callers())
    for (const auto& account : caller.accounts)
      std::ranges::move(default_faults(caller, account, rules_of(account)), std::back_inserter(found));
  return found;
}

std::vector<settings::warning> warnings_of(const settings::configuration& configuration, unsigned loops) {
  auto all = settings::warnings(configuration, loops);
  for (const auto& [name, account] : configuration.accounts)
    note_undocumented(settings::member("accounts", name), account.defaults, all);
  for (const auto& [name, caller] : configuration.callers)
    note_undocumented(settings::member("callers", name), caller.defaults, all);
  return all;
}

}  // namespace gateway::app
