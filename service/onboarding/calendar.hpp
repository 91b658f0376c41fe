#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::onboarding {

// The EARLIEST instant at which a session with this `expiration_date` may end. Podero sends a date and means the end of
// that day in a time zone it does not name: the end of the day at `offset` from UTC is taken (podero-api.md). An RFC
// 3339 date-time is taken as it is, fractions cut off; one without an offset is read at `offset`. Anything else:
// nothing.
std::optional<std::chrono::sys_seconds> earliest_expiry(std::string_view expiration_date, std::chrono::minutes offset);

// Appends "2024-08-24T21:00:00Z" (RFC 3339). For the years 0 to 9999.
void append_rfc3339(std::string& out, std::chrono::sys_seconds at);

}  // namespace gateway::onboarding
