#pragma once

#include "settings/rules.hpp"

#include <string>
#include <string_view>

namespace gateway::settings {

// A DNS name, or an absolute URI such as spiffe://example.internal/portal. A wildcard names nobody in particular.
complaint certificate_name_form(const std::string& text);

// The form in which names in certificates are compared: "URI:" and the URI as it is, "DNS:" and the name in lower case.
std::string certificate_name(std::string_view text);

}  // namespace gateway::settings
