#pragma once

#include <string>
#include <string_view>

namespace gateway::onboarding {

// The member `external_metadata` of a caller's body, as JSON, for the caller to recognise its sessions by; empty if
// there is none, or more than a kibibyte. `body` was read before and is one JSON object.
std::string external_metadata_of(std::string_view body);

}  // namespace gateway::onboarding
