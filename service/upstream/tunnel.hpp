#pragma once

#include <expected>
#include <string>

#include "foundation/transport/channel.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

// Asks the proxy at the other end of `connection` for a tunnel to `where` (CONNECT, RFC 9110 section 9.3.6), within
// `deadline`. Then the bytes are the target's. The error names the proxy and, where it answered, its status.
transport::task<std::expected<void, std::string>> open_tunnel(transport::loop& loop, transport::channel& connection,
                                                              const proxy& through, const target& where,
                                                              time::instant deadline);

}  // namespace gateway::upstream
