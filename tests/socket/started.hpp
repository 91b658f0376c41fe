#pragma once

#include "socket/client.hpp"
#include "support/program.hpp"

namespace gateway::socket_tests {

inline constexpr std::string_view gateway_file = GATEWAY_FILE;  // the compiled programs, given by CMake
inline constexpr std::string_view simulator_file = SIMULATOR_FILE;
inline constexpr std::string_view client_id = "example-client-id";  // what the simulator expects by default
inline constexpr std::string_view client_secret = "example-secret-not-real";

// The request of Podero's documentation.
inline constexpr std::string_view example_request =
    R"({"language": "de", "price_zone_default": "AT", "is_smart_optimization_active_default": true, )"
    R"("success_url": "https://my-customerportal.com/success", "cancel_url": "https://my-customerportal.com/error", )"
    R"("user_id": "a169451c-8525-4352-b8ca-070dd449a1a5"})";
inline constexpr std::string_view sessions_path = "/v1/accounts/sandbox/onboarding-sessions";
inline constexpr std::string_view json_body = "Content-Type: application/json\r\n";

// podero-simulator on ports of its own.
class running_simulator {
 public:
  explicit running_simulator(std::vector<std::string> more = {});

  unsigned short port() const noexcept { return port_; }
  std::string origin() const { return "https://localhost:" + std::to_string(port_); }
  std::string ca_file() const { return folder_.path("ca.pem"); }
  std::string authority_pem() const;
  connection browser() const { return connection{port_, connection::trust{ca_file()}}; }

  // The control endpoint; throws where it refuses.
  boost::json::value order(std::string_view method, std::string_view target, std::string_view body = {}) const;
  std::int64_t counter(std::string_view name) const;

 private:
  support::scratch_folder folder_;
  support::program process_;
  unsigned short port_ = 0;
  unsigned short control_port_ = 0;
};

// A configuration for one account, `sandbox`. The pieces are YAML as it stands after the key, `account_more` and
// `more` are whole lines.
struct configuration {
  std::string base_url;
  std::string ca_file;  // empty: the system's store
  std::string secret_file;
  std::string api = "{ address: 127.0.0.1, port: 0 }";
  std::string admin = "{ address: 127.0.0.1, port: 0 }";
  std::string token_url = "";
  std::string timeouts = "{ total: 11s, connect: 3s, exchange: 8s }";
  std::string drain = "{ delay: 0ms, timeout: 10s }";
  std::string account_more = "";
  std::string log = "{ level: info, format: json }";
  std::string more = "";
  std::vector<std::string> environment = {};  // NAME=VALUE, beside that of the test
  bool wait_until_ready = true;

  static configuration of(const running_simulator& upstream, const support::scratch_folder& folder);
  std::string text() const;
};

// The value of one series on a metrics page. 0 where there is none.
double value_of(const std::string& series, const std::string& page);

// onboarding-gateway, told to serve by such a configuration.
class running_gateway {
 public:
  // Waits until it listens, and for the end of the first attempt at a token where the configuration says so.
  explicit running_gateway(const configuration& how, support::streams standard = support::streams::ordinary);
  // TERM, and it must end well, unless `process` has ended already.
  ~running_gateway();
  running_gateway(const running_gateway&) = delete;
  running_gateway& operator=(const running_gateway&) = delete;

  unsigned short api() const noexcept { return api_; }
  unsigned short admin() const noexcept { return admin_; }
  connection caller() const { return connection{api_}; }
  support::program& process() noexcept { return process_; }
  // Puts another configuration into its file, in one step.
  void rewrite(const configuration& how) const { folder_.replace("gateway.yaml", how.text()); }
  std::string file() const { return folder_.path("gateway.yaml"); }

  // The value of one series, written as on the metrics page: name{label="value",...}. 0 where there is none.
  double metric(const std::string& series) const;

 private:
  support::scratch_folder folder_;
  support::program process_;
  unsigned short api_ = 0;
  unsigned short admin_ = 0;
  std::optional<recorded_port> recorded_;
};

// Both, the gateway configured for the simulator and whatever `adapt` does to that.
struct both_programs {
  support::scratch_folder folder;
  running_simulator podero;
  running_gateway gateway;

  explicit both_programs(const std::function<void(configuration&)>& adapt = {}, std::vector<std::string> more = {});
};

// A caller's key, as `key new NAME` makes it, and its lines of the configuration without the accounts.
struct caller_key {
  std::string key;
  std::string yaml;
  std::string header() const { return "Authorization: Bearer " + key + "\r\n"; }
};
caller_key make_caller_key(const std::string& name);

// Posts the example over that connection; the test goes on only if that made a session.
answer create(connection& over, std::string_view more_headers = {});

}  // namespace gateway::socket_tests
