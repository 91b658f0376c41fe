#pragma once

#include "settings/configuration.hpp"
#include "settings/environment.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace gateway::settings {

// What is wrong with a secret's text, or nothing. Never shows any of it.
std::string secret_complaint(std::string_view text);

// The secret as it is now: read again from its file, line ends at the end taken off; what was given in the
// configuration itself stays. The error names the file and is fit for a log. Blocks on the file; any thread.
std::expected<secrets::secret, std::string> read_again(const secret_value& value, const environment& env);

// Whether both name the same id and secret, by their contents.
bool same_credentials(const token& a, const token& b) noexcept;

}  // namespace gateway::settings
