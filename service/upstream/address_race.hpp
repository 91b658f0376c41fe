#pragma once

#include <vector>

#include "upstream/attempt.hpp"
#include "upstream/target.hpp"

namespace gateway::upstream {

// The order in which addresses are tried: the resolver's, with the families taking turns, the first one's first
// (RFC 8305, section 4), so that a broken family costs one delay and not one for each of its addresses.
std::vector<transport::endpoint> interleaved(const std::vector<transport::endpoint>& addresses);

// Connects to the first that answers (RFC 8305, section 5): the next address is tried when `net.attempt_delay` has
// passed or all attempts so far have failed; the rest is dropped. Until `deadline`. The error is the last attempt's.
transport::task<opened> connect_to_any(network net, std::vector<transport::endpoint> addresses, time::instant deadline);

}  // namespace gateway::upstream
