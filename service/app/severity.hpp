#pragma once

#include <cstdint>
#include <optional>

#include "foundation/errors/problem.hpp"
#include "foundation/journal/level.hpp"

namespace gateway::app {

// How serious an answer is for those who operate the gateway. error: somebody has to act. warning: something here or
// upstream is not as it should be, and may pass by itself. info: as agreed, also where a request was refused, or its
// time was over, or the gateway ends. Pure.
journal::level severity_of(std::optional<errors::problem> problem) noexcept;

// Of a batch: its worst line's, and at least a warning where one was answered with a 5xx. `problems`: what lines were
// answered with, a bit for each number of a problem. Pure.
journal::level severity_of_lines(std::uint64_t problems) noexcept;

}  // namespace gateway::app
