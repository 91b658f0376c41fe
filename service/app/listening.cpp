#include "app/listening.hpp"

namespace gateway::app {

admission::connection_limits connection_limits_of(const settings::listener& from) {
  return {.in_all = from.max_connections, .per_peer = from.max_connections_per_peer};
}

listener::server_options server_options_of(const settings::listener& from, admission::connection_ledger& connections,
                                           admission::load_gate* load, listener::server_tls tls) {
  return {.limits = {.head = from.limits.header.bytes, .target = from.limits.target.bytes},
          .head_timeout = from.timeouts.header,
          .body_timeout = from.timeouts.body,
          .write_timeout = from.timeouts.write,
          .idle_timeout = from.timeouts.idle,
          .connections = &connections,
          .load = load,
          .tls = std::move(tls)};
}

}  // namespace gateway::app
