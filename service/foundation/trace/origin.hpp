#pragma once

#include <cstdint>

#include "foundation/trace/request_id.hpp"

namespace gateway::trace {

// Which request it is that something is done for: what outlives the request keeps it, for logs. In place, because most
// of those who keep it may not allocate.
struct origin {
  request_id request{};    // empty: it is no caller's
  std::uint32_t line = 0;  // of a batch; 0: it is no line of one
};

}  // namespace gateway::trace
