#pragma once

#include <string>

#include "foundation/time/clock.hpp"

namespace gateway::time {

// "Tue, 15 Nov 1994 08:12:31 GMT": an IMF-fixdate (RFC 9110 section 5.6.7).
std::string http_date(wall_instant when);

}  // namespace gateway::time
