#pragma once

#include "settings/keys/accounts.hpp"
#include "settings/keys/callers.hpp"
#include "settings/keys/listeners.hpp"

namespace gateway::settings {

void describe(auto& see, redis& r) {
  see("url", r.url, required, redis_only);
  see("unix_socket", r.unix_socket);
  see("username", r.username, not_blank);
  see("password", r.password);  // or password_file
  see("ca_file", r.ca_file);
  see("key_prefix", r.key_prefix, not_blank);
  see("timeout", r.timeout, within(1ms, 10s));
}

void describe(auto& see, shared_state& s) {
  see("store", s.store);
  see("redis", s.redis);
  see("max_replicas", s.max_replicas, within(1, 1000));
}

void describe(auto& see, overload& o) {
  see("max_in_flight", o.max_in_flight, within(1, 1'000'000));
  see("max_loop_lag", o.max_loop_lag, within(10ms, 1min));
}

void describe(auto& see, drain& d) {
  see("delay", d.delay, within(0ms, 5min));
  see("timeout", d.timeout, within(0ms, 1h));
}

void describe(auto& see, log& l) {
  see("level", l.level);
  see("format", l.format);
  see("audit", l.audit);
}

void describe(auto& see, tracing& t) {
  see("endpoint", t.endpoint, web_only);
  see("ca_file", t.ca_file);
  see("sample_ratio", t.sample_ratio, within(0.0, 1.0));
  see("queue", t.queue, within(64, 1'000'000));
  see("timeout", t.timeout, within(100ms, 1min));
}

void describe(auto& see, configuration& c) {
  see("listeners", c.listeners);
  see("control_socket", c.control_socket);
  see("threads", c.threads);
  see("accounts", c.accounts, required, not_empty, named_by{name_form});
  see("test_accounts", c.test_accounts, named_by{name_form});
  see("callers", c.callers, not_empty, named_by{name_form});
  see("allow_anonymous", c.allow_anonymous);
  see("shared_state", c.shared_state);
  see("overload", c.overload);
  see("drain", c.drain);
  see("log", c.log);
  see("tracing", c.tracing);
}

}  // namespace gateway::settings
