#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "socket/started.hpp"

namespace gateway::socket_tests {

using instants = std::vector<std::chrono::nanoseconds>;

// When the last bytes of the creations arrived at the simulator, by its monotonic clock, in order.
instants creations(const running_simulator& podero);

// The most in any interval of that length: half-open, so that what is exactly a length apart is in two.
std::size_t busiest(const instants& arrived, std::chrono::nanoseconds length);

// The example request for a user of that number.
std::string body_for(int number);

}  // namespace gateway::socket_tests
