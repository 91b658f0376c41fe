#pragma once

#include "settings/keys/limits.hpp"

namespace gateway::settings {

void describe(auto& see, token& t) {
  see("url", t.url, https_only);
  see("encoding", t.encoding);
  see("client_id", t.client_id, required);          // or client_id_file
  see("client_secret", t.client_secret, required);  // or client_secret_file
}

void describe(auto& see, connect& c) {
  see("base_url", c.base_url, https_only);
  see("shortcuts", c.shortcuts, named_by{shortcut_name_form}, absolute_path_form);
}

void describe(auto& see, upstream_tls& tls) {
  see("ca_file", tls.ca_file);
  see("min_version", tls.min_version);
  see("server_name", tls.server_name, host_form);
}

void describe(auto& see, pool& p) {
  see("max_connections", p.max_connections, within(1, 10'000));
  see("idle_timeout", p.idle_timeout, within(1s, 1h));
  see("max_age", p.max_age, within(1s, 24h));
  see("http2_streams", p.http2_streams, within(0, 1000));
}

void describe(auto& see, timeouts& t) {
  see("total", t.total, within(100ms, 1h));
  see("connect", t.connect, within(10ms, 5min));
  see("exchange", t.exchange, within(10ms, 10min));
}

void describe(auto& see, retries& r) {
  see("attempts", r.attempts, within(1, 10));
  see("budget", r.budget, within(0.0, 1.0));
  see("floor_per_second", r.floor_per_second, within(0, 1000));
}

void describe(auto& see, circuit_breaker& b) {
  see("window", b.window, within(1s, 10min));
  see("min_requests", b.min_requests, within(1, 1'000'000));
  see("failure_ratio", b.failure_ratio, within(0.01, 1.0));
  see("open_for", b.open_for, within(100ms, 10min));
}

void describe(auto& see, pause& p) {
  see("max", p.max, within(1s, 24h));
}

void describe(auto& see, session_reuse& r) {
  see("for", r.lifetime, required, within(0ms, 24h));
  see("scope", r.scope);
}

void describe(auto& see, completion_polls& p) {
  see("interval", p.interval, within(100ms, 1h));
  see("max_interval", p.max_interval, within(100ms, 1h));
}

void describe(auto& see, devices& d) {
  see("types", d.types, not_empty, device_type_form);
  see("cache", d.cache, within(0ms, 1h));
}

void describe(auto& see, account& a) {
  see("base_url", a.base_url, required, https_only);
  see("org_id", a.org_id, uuid_form);
  see("test_account", a.test_account);
  see("token", a.token);
  see("connect", a.connect);
  see("tls", a.tls);
  see("resolve", a.resolve);
  see("proxy", a.proxy, http_only, origin_only);
  see("pool", a.pool);
  see("timeouts", a.timeouts);
  see("retries", a.retries);
  see("circuit_breaker", a.circuit_breaker);
  see("pause", a.pause);
  see("limits", a.limits);
  see("session_reuse", a.session_reuse, within(0ms, 24h));
  see("require_idempotency_key", a.require_idempotency_key);
  see("max_wait_state", a.max_wait_state, within(0ms, 1h));
  see("completion_polls", a.completion_polls);
  see("devices", a.devices);
  see("allow_http_redirects", a.allow_http_redirects);
  see("expiry_utc_offset", a.expiry_utc_offset);
  see("unknown_members", a.unknown_members);
  see("languages", a.languages, not_empty, language_form);
  see("price_zones", a.price_zones, not_empty, price_zone_form);
  see("defaults", a.defaults);
}

void describe(auto& see, test_account& t) {
  see("open_sessions", t.open_sessions, within(1, 10'000));
  see("slot_ttl", t.slot_ttl, within(1s, 48h));
  see("limits", t.limits);
}

}  // namespace gateway::settings
