#include "limiter/resources.hpp"

namespace gateway::limiter {

std::string length_of(time::duration per) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(per).count();
  struct unit {
    std::int64_t ms;
    const char* name;
  };
  for (const auto& one : {unit{3'600'000, "h"}, unit{60'000, "m"}, unit{1'000, "s"}}) {
    if (ms >= one.ms && ms % one.ms == 0) return std::to_string(ms / one.ms) + one.name;
  }
  return std::to_string(ms) + "ms";
}

std::string name_of(const window& one, kind what, bool own) {
  return std::string{own ? "caller-" : ""} + (what == kind::creation ? "sessions-" : "requests-") + length_of(one.per);
}

store::ledger_rules ledger_rules_of(const domain_rules& rules) {
  const resources numbers{rules.accounts.size(), rules.callers.size()};
  store::ledger_rules made;
  made.resources.resize(numbers.count());
  const auto put = [&](std::uint32_t requests, std::uint32_t creations, const window_set& windows,
                       time::duration stretch, std::optional<std::size_t> paced) {
    made.resources[requests] = {windows.requests, stretch, paced};
    made.resources[creations] = {windows.sessions, stretch, paced};
  };
  for (std::size_t a = 0; a < rules.accounts.size(); ++a) {
    const auto& account = rules.accounts[a];
    made.longest_pause.push_back(account.longest_pause);
    put(numbers.of_account(a, kind::request), numbers.of_account(a, kind::creation), account.windows, account.stretch,
        a);
    for (std::size_t c = 0; c < rules.callers.size(); ++c) {
      if (a >= rules.callers[c].on.size()) continue;
      // They are limits of the caller, not of what Podero counts: no delay on the way matters to them.
      put(numbers.of_caller(c, a, kind::request), numbers.of_caller(c, a, kind::creation),
          rules.callers[c].on[a].windows, time::duration{0}, std::nullopt);
    }
  }
  if (const auto& test = rules.test_account) {
    put(numbers.of_test_account(kind::request), numbers.of_test_account(kind::creation), test->windows, test->stretch,
        std::nullopt);
    made.slots = test->open_sessions;
    made.slot_ttl = test->slot_ttl;
  }
  return made;
}

}  // namespace gateway::limiter
