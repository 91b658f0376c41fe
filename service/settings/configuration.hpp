#pragma once
// The whole configuration as plain values, each with its default. The names of the keys and their ranges are in keys/;
// config/gateway.yaml explains every one of them.

#include "settings/redirect_hosts.hpp"
#include "settings/values.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gateway::settings {

using std::chrono::milliseconds;
using namespace std::chrono_literals;  // NOLINT: defaults read better as 5s

// ---------------------------------------------------------------- listeners

struct listener_tls {
  std::filesystem::path certificate_file;
  std::filesystem::path private_key_file;
  // Set: peers are asked for a certificate, and one that is shown must be of this CA. Callers may come with a key
  // instead; operators must show one.
  std::optional<std::filesystem::path> client_ca_file;
};

struct listener_limits {
  byte_size header = kibibytes(16);  // start line and header fields together
  byte_size target = kibibytes(8);   // the request target alone
  byte_size body = kibibytes(64);    // of one request; of one line in a batch
};

struct listener_timeouts {
  milliseconds header = 10s;  // from the first byte (or accept) to the end of the header; includes the TLS handshake
  milliseconds body = 30s;    // from the end of the header to the end of the body
  milliseconds idle = 75s;    // between two requests
  milliseconds write = 30s;   // an answer that makes no progress
};

struct listener {
  boost::asio::ip::address address = boost::asio::ip::address_v4::any();
  std::uint16_t port = 0;  // 0: the kernel picks one
  bool reuse_port = false;
  std::optional<listener_tls> tls;
  std::uint32_t max_connections = 10'000;
  std::uint32_t max_connections_per_peer = 8'000;  // of one IPv4 address, of one IPv6 /64
  listener_limits limits;
  listener_timeouts timeouts;
};

inline listener listener_on(std::uint16_t port, std::uint32_t max_connections, std::uint32_t per_peer) {
  listener one;
  one.port = port;
  one.max_connections = max_connections;
  one.max_connections_per_peer = per_peer;
  return one;
}

struct listener_pair {
  listener api = listener_on(8080, 10'000, 8'000);
  listener admin = listener_on(9090, 100, 80);
};

// ---------------------------------------------------------------- limits

// At most `rate` in every interval of length `per`.
struct window {
  std::uint32_t rate = 0;
  milliseconds per{0};
  friend bool operator==(const window&, const window&) = default;
};

struct queue {
  std::uint32_t length = 1000;
  milliseconds max_wait = 5s;
};

struct account_limits {
  std::vector<window> requests;  // empty: not limited here
  std::vector<window> sessions;
  settings::queue queue;
  milliseconds jitter = 100ms;
  double degraded_share = 0.2;
};

struct test_account_limits {
  std::vector<window> requests{};
  std::vector<window> sessions{{1, 10s}, {30, 1h}, {200, 24h}};
};

struct caller_limits {
  std::vector<window> requests;
  std::vector<window> sessions;
  std::optional<std::uint32_t> open_sessions;
};

// ---------------------------------------------------------------- accounts

enum class token_encoding : std::uint8_t { json, form };
enum class tls_version : std::uint8_t { tls_1_2, tls_1_3 };
enum class unknown_members : std::uint8_t { pass, refuse };
enum class reuse_scope : std::uint8_t { caller, account };

struct token {
  settings::url url;  // by default base_url's origin and /oauth2/token/
  token_encoding encoding = token_encoding::json;
  secret_value client_id;
  secret_value client_secret;
};

struct connect {
  std::optional<url> base_url;  // absent: shortcuts take scheme, host and port of each authentication_url
  std::map<std::string, std::string> shortcuts{{"heat_pump", "/heat-pumps"}};
};

struct upstream_tls {
  std::optional<std::filesystem::path> ca_file;  // absent: the system's store
  tls_version min_version = tls_version::tls_1_2;
  std::optional<std::string> server_name;  // absent: the URL's host
};

struct pool {
  std::uint32_t max_connections = 64;
  milliseconds idle_timeout = 50s;
  milliseconds max_age = 10min;
  std::uint32_t http2_streams = 32;  // at once on one connection, where the server speaks HTTP/2; 0: it is not asked to
};

struct timeouts {
  milliseconds total = 15s;
  milliseconds connect = 2s;
  milliseconds exchange = 10s;
};

struct retries {
  std::uint32_t attempts = 3;  // includes the first
  double budget = 0.1;
  std::uint32_t floor_per_second = 1;
};

struct circuit_breaker {
  milliseconds window = 10s;
  std::uint32_t min_requests = 20;
  double failure_ratio = 0.5;
  milliseconds open_for = 5s;
};

struct pause {
  milliseconds max = 15min;
};

// How often a session is looked at, for those who wait for its completion: growing by a half each time.
struct completion_polls {
  milliseconds interval = 2s;
  milliseconds max_interval = 30s;
};

// Which devices of Podero's users may be read, and how long an answer is kept.
struct devices {
  std::vector<std::string> types{"heat-pumps"};  // path segments
  milliseconds cache = 5s;
};

// Written `session_reuse: 10m`, or `session_reuse: {for: 10m, scope: account}`.
struct session_reuse {
  milliseconds lifetime{0};  // the key `for`; 0: no reuse
  reuse_scope scope = reuse_scope::caller;
};

struct account {
  url base_url;  // its path has no trailing slash
  std::optional<std::string> org_id;
  std::optional<std::string> test_account;
  settings::token token;
  settings::connect connect;
  upstream_tls tls;
  std::vector<host_override> resolve;
  std::optional<url> proxy;
  settings::pool pool;
  settings::timeouts timeouts;
  settings::retries retries;
  settings::circuit_breaker circuit_breaker;
  settings::pause pause;
  account_limits limits;
  settings::session_reuse session_reuse;
  bool require_idempotency_key = false;
  milliseconds max_wait_state = 60s;  // the most that `Prefer: wait=N` gets on a read
  settings::completion_polls completion_polls;
  settings::devices devices;
  bool allow_http_redirects = false;
  utc_offset expiry_utc_offset{std::chrono::hours{3}};
  settings::unknown_members unknown_members = settings::unknown_members::pass;
  std::vector<std::string> languages;    // empty: every well-formed one
  std::vector<std::string> price_zones;  // empty: every well-formed one
  boost::json::object defaults;
};

struct test_account {
  std::uint32_t open_sessions = 2;
  milliseconds slot_ttl = 15min;
  test_account_limits limits;
};

// ---------------------------------------------------------------- callers

struct caller {
  std::vector<key_digest> key_sha256;
  std::vector<std::string> certificate_san;
  std::vector<std::string> accounts;
  std::uint32_t weight = 1;
  std::map<std::string, caller_limits> limits;  // by account
  settings::redirect_hosts redirect_hosts;
  boost::json::object defaults;
};

// ---------------------------------------------------------------- the process

enum class store_kind : std::uint8_t { memory, redis };
enum class log_level : std::uint8_t { trace, debug, info, warn, error };
enum class log_format : std::uint8_t { json, text };

struct redis {
  settings::url url;                                 // redis:// or rediss://, the path is the number of the database
  std::optional<std::filesystem::path> unix_socket;  // is connected to instead of the URL's host and port
  std::optional<std::string> username;
  secret_value password;
  std::optional<std::filesystem::path> ca_file;
  std::string key_prefix = "onboarding-gateway:";
  milliseconds timeout = 50ms;
};

struct shared_state {
  store_kind store = store_kind::memory;
  std::optional<settings::redis> redis;
  std::uint32_t max_replicas = 1;
};

// What the gateway takes on before it refuses requests at the door of listeners.api.
struct overload {
  std::uint32_t max_in_flight = 5'000;  // requests handled at once, those included that wait for their turn
  milliseconds max_loop_lag = 500ms;    // how late an event loop may come to its deadlines
};

struct drain {
  milliseconds delay = 5s;
  milliseconds timeout = 30s;  // counts from the end of delay
};

struct log {
  log_level level = log_level::info;
  log_format format = log_format::json;
  bool audit = true;
};

// Spans of sampled requests, to an OpenTelemetry collector.
struct tracing {
  std::optional<url> endpoint;  // absent: nothing is exported
  std::optional<std::filesystem::path> ca_file;
  double sample_ratio = 0.1;  // of the traces that begin here; those that callers began are theirs to sample
  std::uint32_t queue = 2048;
  milliseconds timeout = 5s;
};

struct configuration {
  listener_pair listeners;
  std::optional<std::filesystem::path> control_socket;  // absent: no control commands
  thread_setting threads;
  std::map<std::string, account> accounts;
  std::map<std::string, test_account> test_accounts;
  std::map<std::string, caller> callers;  // empty: anonymous callers
  bool allow_anonymous = false;
  settings::shared_state shared_state;
  settings::overload overload;
  settings::drain drain;
  settings::log log;
  settings::tracing tracing;
};

}  // namespace gateway::settings
