#include "foundation/metrics/gateway_metrics.hpp"

namespace gateway::metrics {

gateway_metrics::gateway_metrics(catalogue& in)
    : requests_total{in.add_counter("requests_total", "Requests answered, by what was answered.",
                                    {"route", "method", "code", "caller", "account", "problem"})},
      request_duration_seconds{in.add_histogram("request_duration_seconds",
                                                "From the first byte of a request to the last byte of its answer.",
                                                {"route", "account"})},
      stage_duration_seconds{in.add_histogram("stage_duration_seconds",
                                              "Time of a request in one stage, counted where the stage happened.",
                                              {"stage", "account"})},
      requests_in_flight{in.add_gauge("requests_in_flight", "Requests that arrived and are not answered yet.")},
      connections{in.add_gauge("connections", "Open connections.", {"side", "state"})},
      upstream_requests_total{in.add_counter("upstream_requests_total", "Requests sent upstream, by what came back.",
                                             {"account", "operation", "code"})},
      upstream_connections_ended_total{in.add_counter("upstream_connections_ended_total",
                                                      "Connections upstream that were closed or did not come up.",
                                                      {"account", "reason"})},
      sessions_total{in.add_counter("sessions_total", "Onboarding sessions handed out or seen to complete.",
                                    {"account", "outcome"})},
      token_expiry_timestamp_seconds{in.add_gauge("token_expiry_timestamp_seconds",
                                                  "When the present access token expires, in Unix time; 0 without one.",
                                                  {"account"})},
      token_renewals_total{
          in.add_counter("token_renewals_total", "Attempts to obtain an access token.", {"account", "outcome"})},
      account_ready{in.add_gauge("account_ready", "1 while the account has a usable access token.", {"account"})},
      breaker_state{in.add_gauge("breaker_state", "The upstream circuit: 0 closed, 1 half-open, 2 open.", {"account"})},
      retries_total{in.add_counter("retries_total", "Attempts that were repeated.", {"account", "reason"})},
      loop_lag_seconds{in.add_gauge("loop_lag_seconds", "How late the slowest event loop runs its timers.", fold::max)},
      config_hash_info{in.add_gauge("config_hash_info", "1 for the configuration in force.", {"hash"})},
      build_info{in.add_gauge("build_info", "1 for the running build.", {"version", "revision"})},
      log_lines_dropped_total{in.add_counter("log_lines_dropped_total",
                                             "Log lines lost because whoever reads them was too slow or gone.")} {}

}  // namespace gateway::metrics
