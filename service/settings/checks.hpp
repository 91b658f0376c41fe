#pragma once

#include "settings/collector.hpp"
#include "settings/configuration.hpp"
#include "settings/environment.hpp"

namespace gateway::settings {

// Fills in the defaults that follow from other values. Comes before the checks.
void complete(configuration& c);

// What concerns several keys at once, on plain values. A value that already has a fault is not asked about again.
void check_listeners(const configuration& c, collector& faults);
void check_accounts(const configuration& c, collector& faults);
void check_callers(const configuration& c, collector& faults);
void check_process(const configuration& c, collector& faults);

// The files that hold certificates and keys.
void check_files(const configuration& c, const environment& env, collector& faults);

}  // namespace gateway::settings
