#pragma once

#include <cstdint>

#include "foundation/time/clock.hpp"

namespace gateway::store {

// At most `rate` in EVERY interval of length `per`.
struct window {
  std::uint32_t rate = 0;
  time::duration per{0};
};

}  // namespace gateway::store
