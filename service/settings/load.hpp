#pragma once
// What the rest of the service uses: a file to a configuration, and a configuration to a text.

#include "settings/configuration.hpp"
#include "settings/environment.hpp"
#include "settings/fault.hpp"

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

// Reads and checks a configuration. Every fault is reported at once, in the order of the file. Relative paths in it are
// relative to its folder. Reads the files that it names (secrets, certificates); any thread.
std::expected<configuration, std::vector<fault>> load(const std::filesystem::path& file, const environment& env);
std::expected<configuration, std::vector<fault>> parse(std::string_view text, const std::filesystem::path& file,
                                                       const environment& env);

// What is legal and unwise in a process of so many event loops; `onboarding-gateway --check` prints it.
std::vector<warning> warnings(const configuration& c, unsigned loops);

// The effective configuration as YAML: defaults filled in, paths resolved, secrets masked. It reads back as the same
// configuration, but for the secrets that were given in place.
std::string print(const configuration& c);

// 16 hexadecimal digits that differ when the effective configuration does; secrets do not count, the files that hold
// them do. The same on every machine and in every process.
std::string hash(const configuration& c);

// Every key that can be written, sorted: "accounts.*.limits.sessions[].rate". "*" is a name of the user's choice.
std::vector<std::string> known_keys();

}  // namespace gateway::settings
