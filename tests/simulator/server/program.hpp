#pragma once

#include "simulator/server/options.hpp"

namespace simulator {

// Runs until SIGTERM or SIGINT. The exit code: 0, or 1 with a line on stderr when it could not start.
int run(const options& given);

}  // namespace simulator
