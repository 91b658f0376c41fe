#pragma once

#include "settings/environment.hpp"
#include "settings/values.hpp"

#include <optional>
#include <string_view>

namespace gateway::settings {

// How many event loops `threads: auto` means. `cpu_max` is the text of cgroup v2's cpu.max ("200000 100000", quota and
// period in microseconds; "max 100000" is no quota). A quota gives its CPUs, rounded up so that all of it can be used,
// at least 1 and at most `cores`; without one min(cores, 4). A text that cannot be read counts as no quota.
unsigned threads_for(std::optional<std::string_view> cpu_max, unsigned cores);

// The same for this process: the tightest quota among its own cgroup and those around it.
unsigned threads_here(const environment& env, unsigned cores);

// How many event loops this process has where `wanted` is configured.
unsigned threads_of(thread_setting wanted, const environment& env, unsigned cores);

}  // namespace gateway::settings
