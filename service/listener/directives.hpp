#pragma once

#include "foundation/http/head.hpp"

namespace gateway::listener {

// `Cache-Control: no-cache` in a request (RFC 9111 section 5.2.1.4). Its other directives say nothing to us.
bool asks_again(const http::field_list& fields) noexcept;

}  // namespace gateway::listener
