#pragma once
// What a new configuration changes, and what of that a running process can take over.

#include "settings/configuration.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

// When a changed key is in force. shared: at once, unless replicas share state (shared_state.store: redis), whose
// bookkeeping is laid out at the start.
enum class takes : std::uint8_t { at_once, at_once_unless_shared, restart };

// The first row that matches a key decides; "*" is any name, and a row stands for everything below it. Every key of
// `known_keys` has one.
struct change_row {
  std::string_view keys;
  takes effect;
};
std::span<const change_row> change_table() noexcept;
takes effect_of(std::string_view known_key);

struct difference {
  std::string key;  // "accounts.sandbox.limits.requests"; never a value
  bool needs_restart = false;
};

// Every key whose effective value differs, sorted. A secret differs when its content does.
std::vector<difference> differences(const configuration& before, const configuration& after);

}  // namespace gateway::settings
