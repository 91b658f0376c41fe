#include "settings/check_bodies.hpp"
#include "settings/checks.hpp"
#include "settings/scalars.hpp"
#include "settings/suggestion.hpp"

namespace gateway::settings {
namespace {

void check_test_account(const std::string& path, const configuration& c, const account& a, collector& faults) {
  if (!a.test_account || faults.faulty(path + ".test_account")) return;
  const auto found = c.test_accounts.find(*a.test_account);
  if (found == c.test_accounts.end()) {
    std::vector<std::string_view> known;
    for (const auto& [name, unused] : c.test_accounts) known.push_back(name);
    faults.add(path + ".test_account",
               in_quotes(*a.test_account) + " does not stand under test_accounts" + hint(*a.test_account, known));
    return;
  }
  const auto slot = member("test_accounts", found->first) + ".slot_ttl";
  if (faults.faulty(path + ".session_reuse") || faults.faulty(slot)) return;
  if (a.session_reuse.lifetime > found->second.slot_ttl)
    faults.add(path + ".session_reuse", show(a.session_reuse.lifetime) + " is longer than the slot_ttl of " +
                                            found->first + " (" + show(found->second.slot_ttl) +
                                            "): a session would be reused after its slot is gone");
}

void check_polls(const std::string& path, const completion_polls& polls, collector& faults) {
  if (faults.faulty(path + ".interval") || faults.faulty(path + ".max_interval")) return;
  if (polls.max_interval < polls.interval)
    faults.add(path + ".max_interval", show(polls.max_interval) + " is shorter than the interval (" +
                                           show(polls.interval) + ") from which it grows");
}

}  // namespace

void check_accounts(const configuration& c, collector& faults) {
  for (const auto& [name, a] : c.accounts) {
    const auto path = member("accounts", name);
    check_test_account(path, c, a, faults);
    check_windows(path + ".limits.requests", a.limits.requests, faults);
    check_windows(path + ".limits.sessions", a.limits.sessions, faults);
    check_polls(path + ".completion_polls", a.completion_polls, faults);
    check_types(path + ".defaults", a.defaults, faults);
    check_defaults_for(a, path + ".defaults", a.defaults, faults);
  }
  for (const auto& [name, t] : c.test_accounts) {
    const auto limits = member("test_accounts", name) + ".limits";
    check_windows(limits + ".requests", t.limits.requests, faults);
    check_windows(limits + ".sessions", t.limits.sessions, faults);
  }
}

}  // namespace gateway::settings
