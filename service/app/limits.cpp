#include "app/limits.hpp"

#include <algorithm>

namespace gateway::app {
namespace {

std::vector<limiter::window> windows_of(const std::vector<settings::window>& from) {
  std::vector<limiter::window> all;
  for (const auto& w : from) all.push_back({w.rate, w.per});
  return all;
}

limiter::account_rules rules_of(const std::string& name, const settings::account& from) {
  limiter::account_rules rules;
  rules.name = name;
  rules.windows = {windows_of(from.limits.requests), windows_of(from.limits.sessions)};
  rules.stretch = from.limits.jitter;
  rules.queue_length = from.limits.queue.length;
  rules.max_wait = from.limits.queue.max_wait;
  rules.longest_pause = from.pause.max;
  return rules;
}

limiter::test_account_rules rules_of(const std::string& name, const settings::test_account& from) {
  limiter::test_account_rules rules;
  rules.name = name;
  rules.windows = {windows_of(from.limits.requests), windows_of(from.limits.sessions)};
  rules.open_sessions = from.open_sessions;
  rules.slot_ttl = from.slot_ttl;
  return rules;
}

limiter::own_rules rules_of(const admission::account_policy* policy) {
  limiter::own_rules rules;
  rules.may_use = policy != nullptr;
  if (policy == nullptr) return rules;
  rules.windows = {windows_of(policy->limits.requests), windows_of(policy->limits.sessions)};
  rules.open_sessions = policy->limits.open_sessions;
  return rules;
}

}  // namespace

limits::limits(const settings::configuration& from, const admission::directory& callers, transport::loop& home) {
  std::map<std::string, std::vector<std::string>> members;  // accounts by domain
  for (const auto& [name, account] : from.accounts)
    // Names of accounts and of test accounts are apart: a slash is in neither.
    members[account.test_account ? "test/" + *account.test_account : "account/" + name].push_back(name);
  for (const auto& [key, accounts] : members) {
    limiter::domain_rules rules;
    const auto& shared = from.accounts.at(accounts.front()).test_account;
    if (shared) rules.test_account = rules_of(*shared, from.test_accounts.at(*shared));
    for (const auto& name : accounts) {
      const auto& account = from.accounts.at(name);
      rules.accounts.push_back(rules_of(name, account));
      // What several accounts send there jitters as the most jittery of them.
      if (rules.test_account)
        rules.test_account->stretch = std::max<time::duration>(rules.test_account->stretch, account.limits.jitter);
    }
    for (const auto& caller : callers.callers()) {
      limiter::caller_rules own{.name = caller.name, .weight = caller.weight};
      for (const auto& name : accounts) own.on.push_back(rules_of(caller.find(name)));
      rules.callers.push_back(std::move(own));
    }
    auto& domain = *(domains_[key] = std::make_unique<limiter::shared_domain>(std::move(rules), home));
    for (std::size_t i = 0; i < accounts.size(); ++i) places_[accounts[i]] = {&domain, i};
  }
}

}  // namespace gateway::app
