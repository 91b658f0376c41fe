#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gateway::app {

// The whole program: reads its arguments, does what they say, returns the exit code (0; 1: could not run; 2: bad usage
// or configuration).
int command_line(std::span<const char* const> arguments);

}  // namespace gateway::app
