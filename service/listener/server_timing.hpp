#pragma once

#include <string>

#include "onboarding/sessions.hpp"

namespace gateway::listener {

// Append the header line `Server-Timing` (W3C), with milliseconds in two decimals, rounded down.

// What took how long; nothing where nothing took time.
void add_server_timing(std::string& lines, const dispatch::stage_times& stages);
// How often a session is looked at.
void add_poll_interval(std::string& lines, time::duration interval);

}  // namespace gateway::listener
