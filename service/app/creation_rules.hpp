#pragma once

#include <string>
#include <vector>

#include "admission/directory.hpp"
#include "onboarding/creation.hpp"
#include "settings/load.hpp"

namespace gateway::app {

// What a caller may send on one of its accounts, as configured.
onboarding::creation_rules rules_of(const admission::account_policy& from);

// What is wrong with the defaults in `rules`, of a caller on one of its accounts: Podero would refuse what they make.
// For people; one text for each fault.
std::vector<std::string> default_faults(const admission::caller& of, const admission::account_policy& on,
                                        const onboarding::creation_rules& rules);
// The same of all callers and accounts.
std::vector<std::string> default_faults(const admission::directory& callers);

// What is legal in a configuration and probably not meant: what `settings` says of it, and defaults for members that
// Podero does not document.
std::vector<settings::warning> warnings_of(const settings::configuration& configuration, unsigned loops);

}  // namespace gateway::app
