#pragma once

#include <nghttp2/nghttp2.h>

namespace gateway::http2 {

// Memory for nghttp2, from what this thread's coroutines have done with (frame_cache.hpp): a request takes six pieces,
// and gives them back, so in the steady state none comes from the system.
nghttp2_mem recycled_memory() noexcept;

}  // namespace gateway::http2
