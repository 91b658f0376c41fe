#pragma once

#include "settings/configuration.hpp"
#include "settings/rules.hpp"

namespace gateway::settings {

void describe(auto& see, window& w) {
  see("rate", w.rate, required, within(1, 1'000'000));
  see("per", w.per, required, within(10ms, 31 * 24h));
}

void describe(auto& see, queue& q) {
  see("length", q.length, within(0, 1'000'000));
  see("max_wait", q.max_wait, within(0ms, 1h));
}

void describe(auto& see, account_limits& limits) {
  see("requests", limits.requests);
  see("sessions", limits.sessions);
  see("queue", limits.queue);
  see("jitter", limits.jitter, within(0ms, 1min));
  see("degraded_share", limits.degraded_share, within(0.0, 0.9));
}

void describe(auto& see, test_account_limits& limits) {
  see("requests", limits.requests);
  see("sessions", limits.sessions, not_empty);
}

void describe(auto& see, caller_limits& limits) {
  see("requests", limits.requests);
  see("sessions", limits.sessions);
  see("open_sessions", limits.open_sessions, within(1, 10'000));
}

}  // namespace gateway::settings
