#pragma once
// Checks that accounts and callers have in common: defaults of the session body, and windows.

#include "settings/collector.hpp"
#include "settings/configuration.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

// What is wrong with a URL to which the end user's browser would be sent, or "".
std::string redirect_complaint(std::string_view text, bool allow_http);

// The types of the members that we know; others are handed on as they are.
void check_types(const std::string& path, const boost::json::object& defaults, collector& faults);

// The redirect URLs, and the allow-lists of one account for which these defaults would be used.
void check_defaults_for(const account& a, const std::string& path, const boost::json::object& defaults,
                        collector& faults);

void check_windows(const std::string& path, const std::vector<window>& windows, collector& faults);

// The string member of this name, or null.
const boost::json::string* string_member(const boost::json::object& defaults, std::string_view name);

}  // namespace gateway::settings
