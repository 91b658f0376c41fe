// A real Prometheus server scrapes a running gateway, and its queries give what happened.
#include "socket/collector.hpp"
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <chrono>
#include <csignal>
#include <optional>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::program;
using gateway::support::scratch_folder;

namespace {

class prometheus_server {
 public:
  prometheus_server(const scratch_folder& folder, unsigned short target)
      : process_{"/bin/sh",
                 {"-c", "exec prometheus --config.file=" + folder.write("prometheus.yml", configuration(target)) +
                            " --storage.tsdb.path=" + folder.path("tsdb") +
                            " --enable-feature=exemplar-storage --web.listen-address=127.0.0.1:0"}} {
    constexpr std::string_view said = "msg=\"Listening on\" address=127.0.0.1:";
    std::string log;
    const bool listens = eventually([&] {
      log = process_.errors();
      return log.contains(said) || !process_.running();
    });
    REQUIRE_MESSAGE(
        (listens && process_.running()),
        "prometheus does not run (Debian package: prometheus; tests/scripts/install-packages test): " << log);
    port_ = static_cast<unsigned short>(std::stoul(log.substr(log.find(said) + said.size())));
  }
  ~prometheus_server() {
    process_.signal(SIGTERM);
    CHECK(process_.end() == 0);
  }

  // The value of the one series that the expression gives; nothing where it gives none. `encoded`: as in a query
  // string.
  std::optional<double> ask(const std::string& encoded) const {
    const auto answered = get(port_, "/api/v1/query?query=" + encoded);
    if (answered.status != 200) return std::nullopt;  // it says 503 while it starts
    const auto got = answered.json();
    const auto& found = got.at("data").at("result").as_array();
    if (found.empty()) return std::nullopt;
    CHECK(found.size() == 1);
    return std::stod(std::string{found.at(0).at("value").at(1).as_string()});
  }
  // The trace that it has as an example of that series; "" where it has none.
  std::string example_of(const std::string& encoded) const {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    const auto got =
        get(port_, "/api/v1/query_exemplars?query=" + encoded + "&start=" + std::to_string(now.count() - 600) +
                       "&end=" + std::to_string(now.count() + 1));
    if (got.status != 200) return "";
    const auto read = got.json();
    const auto& series = read.at("data").as_array();
    if (series.empty()) return "";
    return std::string{series.at(0).at("exemplars").at(0).at("labels").at("trace_id").as_string()};
  }

 private:
  static std::string configuration(unsigned short target) {
    return "global: { scrape_interval: 200ms, scrape_timeout: 200ms }\n"
           "scrape_configs:\n  - job_name: gateway\n    static_configs: [ { targets: [ \"127.0.0.1:" +
           std::to_string(target) + "\" ] } ]\n";
  }

  program process_;
  unsigned short port_ = 0;
};

}  // namespace

TEST_CASE("Prometheus scrapes a running gateway, and its queries count what callers did") {
  const both_programs running;
  const prometheus_server prometheus{running.folder, running.gateway.admin()};
  const auto is = [&](const std::string& query, double value) {
    CAPTURE(query);
    std::optional<double> seen;
    CHECK(eventually([&] {
      seen = prometheus.ask(query);
      return seen == value;
    }));
    CAPTURE(seen.value_or(-1));
    CHECK(seen == value);
  };
  is("up", 1);
  // %7B, %7D, %22, %3D: the braces, quotes and equals signs of selectors.
  is("onboarding_gateway_account_ready%7Baccount%3D%22sandbox%22%7D", 1);
  is("onboarding_gateway_sessions_total%7Boutcome%3D%22created%22%7D", 0);

  auto caller = running.gateway.caller();
  for (int i = 0; i < 7; ++i) create(caller);
  for (int i = 0; i < 3; ++i) CHECK(caller.call("POST", sessions_path, "{}", json_body).status == 422);
  is("onboarding_gateway_sessions_total%7Boutcome%3D%22created%22%7D", 7);
  is("sum(onboarding_gateway_requests_total%7Bcode%3D%22201%22,problem%3D%22%22%7D)", 7);
  is("sum(onboarding_gateway_requests_total%7Bproblem%3D%22validation-failed%22%7D)", 3);
  is("sum(onboarding_gateway_request_duration_seconds_count)", 10);
  is("onboarding_gateway_upstream_requests_total%7Boperation%3D%22create_session%22,code%3D%22201%22%7D", 7);
  is("sum(onboarding_gateway_upstream_connection_uses_total)", 7);
  is("onboarding_gateway_config_reload_success", 1);
  is("count(onboarding_gateway_build_info)", 1);
  is("onboarding_gateway_connections%7Bside%3D%22caller%22,state%3D%22idle%22%7D", 1);
  // Quantiles can be had, and of no more than the slowest request took.
  is("histogram_quantile(0.99,sum(onboarding_gateway_request_duration_seconds_bucket)by(le))%3C%3Dbool%"
     "2010",
     1);
}

TEST_CASE("Prometheus gets the trace of a sampled request as an example of how long requests take") {
  const collector traces;
  both_programs running{[&](auto& c) { c.more += traces.yaml(", sample_ratio: 0.0"); }};
  const prometheus_server prometheus{running.folder, running.gateway.admin()};
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  auto caller = running.gateway.caller();
  create(caller);
  create(caller, "traceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\n");
  CHECK(
      eventually([&] { return prometheus.example_of("onboarding_gateway_request_duration_seconds_bucket") == trace; }));
}

TEST_CASE("The newer text format is given to those who ask for it, and the older one to everybody else") {
  const both_programs running;
  const auto older = get(running.gateway.admin(), "/metrics");
  CHECK(older.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_FALSE(older.body.contains("# EOF"));
  auto scraper = connection{running.gateway.admin()};
  const auto newer = scraper.call("GET", "/metrics", "", "Accept: application/openmetrics-text; version=1.0.0\r\n");
  CHECK(newer.header("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  CHECK(newer.body.ends_with("# EOF\n"));
  CHECK(newer.body.contains(
      "\n# TYPE onboarding_gateway_log_lines_dropped counter\nonboarding_gateway_log_lines_dropped_total 0\n"));
}
