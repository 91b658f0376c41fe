#include "app/limits.hpp"

#include <algorithm>
#include <cmath>

#include "app/shared_store.hpp"
#include "foundation/random/source.hpp"
#include "limiter/resources.hpp"

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

// By the numbers of limiter::resources.
std::vector<store::shared_options::named> names_of(const limiter::domain_rules& rules) {
  const limiter::resources numbers{rules.accounts.size(), rules.callers.size()};
  std::vector<store::shared_options::named> names(numbers.count());
  const auto both = [&](const std::string& name, bool of_caller, const auto& number) {
    names[number(limiter::kind::request)] = {name + "/requests", of_caller};
    names[number(limiter::kind::creation)] = {name + "/sessions", of_caller};
  };
  both("t", false, [&](auto what) { return numbers.of_test_account(what); });
  for (std::size_t a = 0; a < rules.accounts.size(); ++a) {
    both("a/" + rules.accounts[a].name, false, [&](auto what) { return numbers.of_account(a, what); });
    for (std::size_t c = 0; c < rules.callers.size(); ++c)
      both("c/" + rules.callers[c].name + "/" + rules.accounts[a].name, true,
           [&](auto what) { return numbers.of_caller(c, a, what); });
  }
  return names;
}

store::shared_options options_of(const std::string& domain, const limiter::domain_rules& rules,
                                 const settings::configuration& from, const shared_store& shared) {
  store::shared_options how;
  how.prefix = shared.configured().key_prefix;
  how.domain = domain;
  how.resources = names_of(rules);
  for (const auto& account : rules.accounts) how.accounts.push_back(account.name);
  for (const auto& caller : rules.callers) how.callers.push_back(caller.name);
  how.replica = shared.replica();
  how.timeout = shared.patience();
  how.max_replicas = from.shared_state.max_replicas;
  // A test account is left alone while the store is away.
  if (!rules.test_account) {
    const auto share = from.accounts.at(rules.accounts.front().name).limits.degraded_share;
    how.degraded_thousandths = static_cast<std::uint32_t>(std::lround(1000 * share));
  }
  return how;
}

}  // namespace

std::unique_ptr<limiter::shared_domain> limits::made(const std::string& key, limiter::domain_rules rules,
                                                     const settings::configuration& from, transport::loop& home,
                                                     shared_store* shared) {
  if (shared == nullptr) return std::make_unique<limiter::shared_domain>(std::move(rules), home);
  auto ledger = std::make_unique<store::shared_ledger>(
      limiter::ledger_rules_of(rules), options_of(key, rules, from, *shared), shared->scripts(),
      [own = std::make_shared<random::system_source>()] { return own->next(); });
  return std::make_unique<limiter::shared_domain>(std::move(rules), home, std::move(ledger), shared->courier());
}

limits::limits(const settings::configuration& from, const admission::directory& callers, transport::loop& home,
               shared_store* shared) {
  std::map<std::string, std::vector<std::string>> members;  // accounts by domain
  for (const auto& [name, account] : from.accounts)
    // Names of accounts and of test accounts are apart: a slash is in neither.
    members[account.test_account ? "test/" + *account.test_account : "account/" + name].push_back(name);
  for (const auto& [key, accounts] : members) {
    limiter::domain_rules rules;
    const auto& test = from.accounts.at(accounts.front()).test_account;
    if (test) rules.test_account = rules_of(*test, from.test_accounts.at(*test));
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
    auto& domain = *(domains_[key] = made(key, std::move(rules), from, home, shared));
    for (std::size_t i = 0; i < accounts.size(); ++i) places_[accounts[i]] = {&domain, i};
  }
}

}  // namespace gateway::app
