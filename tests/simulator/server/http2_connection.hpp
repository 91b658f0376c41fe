#pragma once

#include "simulator/server/carrier.hpp"
#include "simulator/server/connection.hpp"

#include <memory>

namespace simulator {

// Serves a connection whose handshake agreed on HTTP/2 to its end. The site has to live as long.
void serve_http2(tls_stream stream, const connection_plan& plan, site& behind, std::shared_ptr<connection_set> others);

}  // namespace simulator
