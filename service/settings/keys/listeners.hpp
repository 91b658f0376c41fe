#pragma once

#include "settings/configuration.hpp"
#include "settings/rules.hpp"

namespace gateway::settings {

void describe(auto& see, listener_tls& tls) {
  see("certificate_file", tls.certificate_file, required);
  see("private_key_file", tls.private_key_file, required);
  see("client_ca_file", tls.client_ca_file);
}

void describe(auto& see, listener_limits& limits) {
  see("header", limits.header, within(kibibytes(1), mebibytes(1)));
  see("target", limits.target, within(byte_size{256}, mebibytes(1)));
  see("body", limits.body, within(kibibytes(1), mebibytes(64)));
}

void describe(auto& see, listener_timeouts& timeouts) {
  see("header", timeouts.header, within(100ms, 10min));
  see("body", timeouts.body, within(100ms, 10min));
  see("idle", timeouts.idle, within(1s, 1h));
  see("write", timeouts.write, within(100ms, 10min));
}

void describe(auto& see, listener& one) {
  see("address", one.address);
  see("port", one.port);
  see("reuse_port", one.reuse_port);
  see("tls", one.tls);
  see("max_connections", one.max_connections, within(1, 1'000'000));
  see("max_connections_per_peer", one.max_connections_per_peer, within(1, 1'000'000));
  see("limits", one.limits);
  see("timeouts", one.timeouts);
}

void describe(auto& see, listener_pair& listeners) {
  see("api", listeners.api);
  see("admin", listeners.admin);
}

}  // namespace gateway::settings
