#include "foundation/metrics/gateway_metrics.hpp"

#include <array>

namespace gateway::metrics {

gateway_metrics::gateway_metrics(catalogue& in)
    : requests_total{in.add_counter("requests_total", "Requests answered, by what was answered.",
                                    {"route", "method", "code", "caller", "account", "problem"})},
      requests_refused_total{in.add_counter("requests_refused_total", "Requests that a guard refused, by the guard.",
                                            {"account", "caller", "guard"})},
      requests_abandoned_total{in.add_counter("requests_abandoned_total",
                                              "Requests whose caller left before there was an answer.",
                                              {"route", "account", "caller"})},
      service_level_requests_total{in.add_counter(
          "service_level_requests_total",
          "Requests and lines of batches answered, as the service level indicator judges them; from the start, at 0.",
          {"account", "verdict"})},
      request_duration_seconds{in.add_histogram("request_duration_seconds",
                                                "From the first byte of a request to the last byte of its answer.",
                                                {"route", "account"})},
      stage_duration_seconds{in.add_histogram("stage_duration_seconds",
                                              "Time of a request in one stage, counted where the stage happened.",
                                              {"stage", "account"})},
      requests_in_flight{in.add_gauge("requests_in_flight", "Requests that arrived and are not answered yet.")},
      connections{in.add_gauge("connections", "Open connections.", {"side", "state"})},
      tls_handshakes_total{in.add_counter("tls_handshakes_total", "TLS handshakes of those who connect, by their end.",
                                          {"listener", "outcome"})},
      tls_certificate_expiry_timestamp_seconds{in.add_gauge("tls_certificate_expiry_timestamp_seconds",
                                                            "When the listener's certificate expires, in Unix time.",
                                                            {"listener"})},
      tls_reload_success{in.add_gauge(
          "tls_reload_success", "0 while changed certificate files cannot be used and those of before stay in force.",
          {"listener"})},
      upstream_requests_total{in.add_counter("upstream_requests_total", "Requests sent upstream, by what came back.",
                                             {"account", "operation", "code"})},
      upstream_connections_ended_total{in.add_counter("upstream_connections_ended_total",
                                                      "Connections upstream that were closed or did not come up.",
                                                      {"account", "reason"})},
      upstream_handshakes_total{in.add_counter("upstream_handshakes_total",
                                               "TLS handshakes with Podero, full or resumed with a session ticket.",
                                               {"account", "resumption"})},
      upstream_connection_uses_total{
          in.add_counter("upstream_connection_uses_total",
                         "Exchanges over a new connection and over a reused one; reused over both is the reuse ratio.",
                         {"account", "connection"})},
      upstream_http2_connections{in.add_gauge(
          "upstream_http2_connections",
          "TLS connections with Podero that exchanges share, over HTTP/2; each exchange's place on one counts "
          "as one of `onboarding_gateway_connections`.",
          {"account"})},
      upstream_idle_limit_seconds{
          in.add_gauge("upstream_idle_limit_seconds",
                       "How long a connection may rest: as configured, or less where Podero was seen to close earlier.",
                       {"account"}, fold::min)},
      upstream_foreign_members_total{
          in.add_counter("upstream_foreign_members_total",
                         "Answers of Podero with a member named gateway, which ours replaced.", {"account"})},
      upstream_answers_unusable_total{in.add_counter(
          "upstream_answers_unusable_total",
          "Successes of Podero whose body could not be used; also in upstream_requests_total, by their status.",
          {"account", "operation"})},
      batch_lines_total{in.add_counter("batch_lines_total", "Lines of batches, by what was answered to each.",
                                       {"account", "caller", "code", "problem"})},
      sessions_total{in.add_counter("sessions_total", "Onboarding sessions handed out or seen to complete.",
                                    {"account", "outcome"})},
      permits_total{
          in.add_counter("permits_total",
                         "What the limiter said to a request: admitted at once, queued and then admitted, or refused.",
                         {"account", "decision"})},
      permits_remaining{in.add_gauge("permits_remaining", "How many requests the window has room for at present.",
                                     {"account", "window"})},
      permits_next_seconds{in.add_gauge("permits_next_seconds",
                                        "How long until the window has room for one more; 0 while it has.",
                                        {"account", "window"})},
      queue_length{in.add_gauge("queue_length", "Requests that wait for a permit.", {"account"})},
      queue_oldest_seconds{
          in.add_gauge("queue_oldest_seconds", "How long the oldest of them has waited.", {"account"})},
      account_paused_until_seconds{in.add_gauge(
          "account_paused_until_seconds",
          "Until when nothing is sent because Podero or an operator asked for it, in Unix time; 0 without a pause.",
          {"account"})},
      slow_down_factor{in.add_gauge("slow_down_factor",
                                    "Every window is longer by this, after Podero asked for a pause; 1 otherwise.",
                                    {"account"})},
      slots{in.add_gauge("slots", "Sessions that may be open on the test account at once.", {"test_account"})},
      slots_held{in.add_gauge("slots_held", "Slots of the test account that are held.", {"test_account"})},
      token_expiry_timestamp_seconds{in.add_gauge("token_expiry_timestamp_seconds",
                                                  "When the present access token expires, in Unix time; 0 without one.",
                                                  {"account"})},
      token_generation{in.add_gauge("token_generation",
                                    "Which access token since the start is in use: 1, 2, 3 and so on; 0 without one.",
                                    {"account"})},
      token_renewals_total{
          in.add_counter("token_renewals_total", "Attempts to obtain an access token.", {"account", "outcome"})},
      account_ready{in.add_gauge(
          "account_ready", "1 while the account has an access token that is not known to be refused.", {"account"})},
      credentials_refused{in.add_gauge("credentials_refused",
                                       "1 while the token endpoint refuses the account's credentials, or the API the "
                                       "tokens that it gives: somebody must act.",
                                       {"account"})},
      degraded_share_seconds{
          in.add_gauge("degraded_share_seconds",
                       "While the shared store is away: for how long the account may still use its degraded share; 0: "
                       "nothing of it is sent. Without a sample while the store is there.",
                       {"account"})},
      breaker_state{in.add_gauge("breaker_state", "The upstream circuit: 0 closed, 1 half-open, 2 open.", {"account"})},
      retries_total{in.add_counter("retries_total", "Attempts that were repeated.", {"account", "reason"})},
      retry_budget_remaining{
          in.add_gauge("retry_budget_remaining", "How many attempts may be repeated now.", {"account"})},
      store_mode{in.add_gauge(
          "store_mode",
          "1 for where limits are kept: memory, shared, or degraded while the shared store is away or refuses keys.",
          {"mode"})},
      store_unsafe{in.add_gauge("store_unsafe", "1 where a setting of the shared store endangers what is kept in it.",
                                {"setting"})},
      store_duration_seconds{in.add_histogram("store_duration_seconds", "Time of one question to the shared store.")},
      loop_lag_seconds{in.add_gauge("loop_lag_seconds", "How late the slowest event loop runs its timers.", fold::max)},
      config_hash_info{in.add_gauge("config_hash_info", "1 for the configuration in force.", {"hash"})},
      config_reload_success{
          in.add_gauge("config_reload_success", "1 if the last load of the configuration was accepted, 0 if refused.")},
      config_reload_timestamp_seconds{
          in.add_gauge("config_reload_timestamp_seconds", "When the configuration in force was loaded, in Unix time.")},
      draining{in.add_gauge("draining", "1 from SIGTERM on, 0 before.")},
      build_info{in.add_gauge("build_info", "1 for the running build.", {"version", "revision"})},
      log_lines_dropped_total{
          in.add_counter("log_lines_dropped_total", "Log lines lost because whoever reads them was too slow or gone.")},
      log_lines_summarised_total{in.add_counter(
          "log_lines_summarised_total", "Events that were not logged one by one but as a number in a later line.")},
      trace_spans_exported_total{
          in.add_counter("trace_spans_exported_total", "Spans that the trace collector accepted.")},
      trace_spans_dropped_total{
          in.add_counter("trace_spans_dropped_total",
                         "Spans that were lost: the queue was full, or the collector did not take them.", {"reason"})},
      trace_exports_total{
          in.add_counter("trace_exports_total", "Batches of spans sent to the trace collector.", {"outcome"})} {}

std::span<const label_note> label_notes() noexcept {
  static constexpr std::array notes{
      label_note{"", "account", "a name under `accounts`; empty where a request is about none"},
      label_note{"", "caller", "a name under `callers`, or `anonymous`; empty where it is not known"},
      label_note{"", "test_account", "a name under `test_accounts`"},
      label_note{"", "route", "`create_session`, `read_session`, ...; `none` for a path that there is not"},
      label_note{"", "window", "kind and length of a window of the limits: `sessions-10s`, `requests-1m`"},
      label_note{"requests_total", "method", "the method; `other` for what is not known"},
      label_note{"requests_total", "code", "the status of the answer; 499 where the caller left and there was none"},
      label_note{"requests_total", "problem", "the problem's name (`/problems/NAME`); empty where there was none"},
      label_note{"requests_refused_total", "guard",
                 "`window`, `slot`, `caller`, `pause`, `queue`, `circuit`, `store`, `draining`, `overload`"},
      label_note{
          "stage_duration_seconds", "stage",
          "`queue`, `token`, `connect`, `upstream`; `store`: what a creation waited for the shared store in all"},
      label_note{"connections", "side", "`caller`, `upstream`"},
      label_note{"connections", "state", "`idle`, `busy`; `connecting` for `upstream`"},
      label_note{"upstream_requests_total", "operation",
                 "`create_session`, `read_session`, `create_user`, `read_devices`"},
      label_note{"upstream_requests_total", "code",
                 "the status, or `lost`, `timed_out`, `unusable` where there was no answer"},
      label_note{"upstream_connections_ended_total", "reason",
                 "`idle_limit`, `age`, `server_closed`, `error`, `yielded`, `drained`, `open_failed`"},
      label_note{"tls_handshakes_total", "outcome",
                 "`full`, `resumed`, `left`, `timed_out`, `given_up`, `plain_http`, `certificate_refused`, `failed`"},
      label_note{"", "listener", "`api`, `admin`"},
      label_note{
          "service_level_requests_total", "verdict",
          "`bad`: a 5xx but those of `excluded`; `excluded`: a 5xx that says that this instance ends (`draining`) "
          "or that Podero does not serve (`upstream-...`); `good`: all else, also refusals"},
      label_note{"upstream_answers_unusable_total", "operation",
                 "`create_session`, `read_session`, `create_user`, `read_devices`"},
      label_note{"upstream_handshakes_total", "resumption", "`full`, `resumed`"},
      label_note{"upstream_connection_uses_total", "connection", "`new`, `reused`"},
      label_note{"batch_lines_total", "code", "the status of the line's answer"},
      label_note{"batch_lines_total", "problem", "the name of the line's problem; empty: a session"},
      label_note{"sessions_total", "outcome", "`created`, `reused`, `replayed`, `completed`"},
      label_note{"permits_total", "decision", "`admitted`, `queued`, `refused`"},
      label_note{"token_renewals_total", "outcome",
                 "`renewed`, `adopted` (another replica's), `failed`, `refused` (the credentials)"},
      label_note{"retries_total", "reason",
                 "why the attempt before came to nothing: `unauthorized`, `rate-limited`, `server-error`, `connect`, "
                 "`permit-over`, "
                 "`stale`, `not-sent`, `unprocessed`, `timed-out`, `lost`"},
      label_note{"store_mode", "mode", "`memory`, `shared`, `degraded`"},
      label_note{"store_unsafe", "setting", "`appendonly`, `maxmemory-policy`"},
      label_note{"config_hash_info", "hash", "the beginning of a SHA-256 of the effective configuration"},
      label_note{"trace_spans_dropped_total", "reason", "`queue_full`, `export_failed`"},
      label_note{"trace_exports_total", "outcome", "`accepted`, `refused`, `failed`"},
  };
  return notes;
}

}  // namespace gateway::metrics
