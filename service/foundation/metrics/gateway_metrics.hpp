#pragma once

#include "foundation/metrics/catalogue.hpp"
#include "foundation/metrics/page.hpp"

namespace gateway::metrics {

// The families of the contract (contract.md, "Stable metric names"). Dashboards and alerts rely on the names: the
// golden list in tests/unit/foundation/metrics changes only together with the contract.
struct gateway_metrics {
  explicit gateway_metrics(catalogue& in);

  family<counter, 6> requests_total;            // route, method, code, caller, account, problem
  family<counter, 3> requests_refused_total;    // account, caller, guard (contract: `decision`)
  family<counter, 3> requests_abandoned_total;  // route, account, caller
  // account, verdict (good, bad, excluded): requests, and lines of batches, as the service level indicator sees them
  family<counter, 2> service_level_requests_total;
  family<histogram, 2> request_duration_seconds;  // route, account
  family<histogram, 2> stage_duration_seconds;    // stage (queue, token, connect, upstream, store), account
  family<gauge, 0> requests_in_flight;
  family<gauge, 2> connections;                               // side (caller, upstream), state
  family<counter, 2> tls_handshakes_total;                    // listener (api, admin), outcome (service/app/README.md)
  family<gauge, 1> tls_certificate_expiry_timestamp_seconds;  // listener
  family<gauge, 1> tls_reload_success;                        // listener; 0: changed files could not be used
  family<counter, 3> upstream_requests_total;                 // account, operation, code
  family<counter, 2> upstream_connections_ended_total;        // account, reason (service/upstream/README.md)
  family<counter, 2> upstream_handshakes_total;               // account, resumption (full, resumed)
  family<counter, 2> upstream_connection_uses_total;          // account, connection (new, reused)
  family<gauge, 1> upstream_http2_connections;                // account
  family<gauge, 1> upstream_idle_limit_seconds;               // account
  family<counter, 1> upstream_foreign_members_total;          // account
  family<counter, 2> upstream_answers_unusable_total;         // account, operation
  family<counter, 4> batch_lines_total;                       // account, caller, code, problem
  family<counter, 2> sessions_total;                          // account, outcome (created, reused, replayed, completed)
  family<counter, 2> permits_total;                           // account, decision (admitted, queued, refused)
  family<gauge, 2> permits_remaining;                         // account, window
  family<gauge, 2> permits_next_seconds;                      // account, window
  family<gauge, 1> queue_length;                              // account
  family<gauge, 1> queue_oldest_seconds;                      // account
  family<gauge, 1> account_paused_until_seconds;              // account
  family<gauge, 1> slow_down_factor;                          // account
  family<gauge, 1> slots;                                     // test_account
  family<gauge, 1> slots_held;                                // test_account
  family<gauge, 1> token_expiry_timestamp_seconds;            // account
  family<gauge, 1> token_generation;                          // account
  family<counter, 2> token_renewals_total;                    // account, outcome (renewed, adopted, failed, refused)
  family<gauge, 1> account_ready;                             // account
  family<gauge, 1> credentials_refused;                       // account
  family<gauge, 1> degraded_share_seconds;                    // account
  family<gauge, 1> breaker_state;                             // account; 0 closed, 1 half-open, 2 open
  family<counter, 2> retries_total;                           // account, reason
  family<gauge, 1> retry_budget_remaining;                    // account
  family<gauge, 1> store_mode;                                // mode (memory, shared, degraded); 1 for the present one
  family<gauge, 1> store_unsafe;  // setting (appendonly, maxmemory-policy); 1: endangers limits
  family<histogram, 0> store_duration_seconds;
  family<gauge, 0> loop_lag_seconds;  // the worst loop's
  family<gauge, 1> config_hash_info;  // hash; compute it, so that the hash before a reload vanishes
  family<gauge, 0> config_reload_success;
  family<gauge, 0> config_reload_timestamp_seconds;
  family<gauge, 0> draining;
  family<gauge, 2> build_info;  // version, revision
  family<counter, 0> log_lines_dropped_total;
  family<counter, 0> log_lines_summarised_total;
  family<counter, 0> trace_spans_exported_total;
  family<counter, 1> trace_spans_dropped_total;  // reason (queue_full, export_failed)
  family<counter, 1> trace_exports_total;        // outcome (accepted, refused, failed)
};

// What the values of their labels mean.
std::span<const label_note> label_notes() noexcept;

}  // namespace gateway::metrics
