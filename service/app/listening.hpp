#pragma once

#include "listener/server.hpp"
#include "settings/configuration.hpp"

namespace gateway::app {

admission::connection_limits connection_limits_of(const settings::listener& from);

// `connections`, and where requests may be refused for the load `load`, outlive the server.
listener::server_options server_options_of(const settings::listener& from, admission::connection_ledger& connections,
                                           admission::load_gate* load, listener::server_tls tls = {});

}  // namespace gateway::app
