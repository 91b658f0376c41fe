#include "foundation/metrics/gateway_metrics.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "foundation/metrics/process.hpp"
#include "foundation/metrics/registry.hpp"

using namespace gateway;
using namespace std::chrono_literals;

namespace {

constexpr const char* golden_file = "tests/unit/foundation/metrics/golden/metric_names.txt";

std::string_view name_of(metrics::kind what) {
  switch (what) {
    case metrics::kind::counter:
      return "counter";
    case metrics::kind::gauge:
      return "gauge";
    case metrics::kind::histogram:
      return "histogram";
  }
  return "";
}

std::string listed(const metrics::catalogue& families) {
  std::string out;
  for (const auto& row : families.rows()) {
    out += row.name;
    for (std::size_t i = 0; i < row.labels.size(); ++i) out += (i == 0 ? "{" : ",") + row.labels[i];
    if (!row.labels.empty()) out += '}';
    out += ' ';
    out += name_of(row.kind);
    out += '\n';
  }
  for (const auto& family : metrics::process_collector{}.Collect()) {
    out += family.name + (family.type == prometheus::MetricType::Counter ? " counter\n" : " gauge\n");
  }
  return out;
}

// A page on which every family has a series.
std::string full_page() {
  metrics::catalogue families;
  const metrics::gateway_metrics m{families};
  metrics::registry all{std::move(families)};
  all.attach(std::make_unique<metrics::process_collector>());
  auto& shard = all.add_shard();
  shard.at(m.requests_total, "create", "POST", "201", "customer-portal", "sandbox", "").add();
  shard.at(m.requests_total, "create", "POST", "422", "customer-portal", "sandbox", "validation-failed").add();
  shard.at(m.request_duration_seconds, "create", "sandbox").observe(12ms);
  shard.at(m.stage_duration_seconds, "queue", "sandbox").observe(1ms);
  shard.at(m.requests_in_flight).add(1);
  shard.at(m.connections, "caller", "open").set(3);
  shard.at(m.tls_handshakes_total, "api", "full").add();
  shard.at(m.tls_certificate_expiry_timestamp_seconds, "api").set(1'700'000'000);
  shard.at(m.tls_reload_success, "api").set(1);
  shard.at(m.upstream_requests_total, "sandbox", "create", "201").add();
  shard.at(m.upstream_connections_ended_total, "sandbox", "age").add();
  shard.at(m.upstream_answers_unusable_total, "sandbox", "create_session").add();
  shard.at(m.service_level_requests_total, "sandbox", "good").add();
  shard.at(m.batch_lines_total, "sandbox", "customer-portal", "201", "").add();
  shard.at(m.sessions_total, "sandbox", "created").add();
  shard.at(m.token_expiry_timestamp_seconds, "sandbox").set(1'700'000'000);
  shard.at(m.token_renewals_total, "sandbox", "ok").add();
  shard.at(m.account_ready, "sandbox").set(1);
  shard.at(m.retries_total, "sandbox", "connect").add();
  shard.at(m.loop_lag_seconds).set(0.001);
  shard.at(m.config_hash_info, "0123456789abcdef").set(1);
  shard.at(m.build_info, "0.1.0", "unknown").set(1);
  shard.at(m.log_lines_dropped_total).add(0);
  return metrics::render(all);
}

struct checked {
  int code;
  std::string said;
};

checked promtool(const std::string& page) {
  std::string file = "/tmp/gateway-metrics-XXXXXX";
  const int descriptor = ::mkstemp(file.data());
  REQUIRE(descriptor >= 0);
  REQUIRE(::write(descriptor, page.data(), page.size()) == static_cast<ssize_t>(page.size()));
  ::close(descriptor);
  std::FILE* pipe = ::popen(("promtool check metrics < " + file + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  checked out{};
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out.said += static_cast<char>(c);
  out.code = WEXITSTATUS(::pclose(pipe));
  ::unlink(file.c_str());
  return out;
}

}  // namespace

TEST_CASE("the names, labels and kinds of the metrics are those of the golden list") {
  metrics::catalogue families;
  const metrics::gateway_metrics m{families};
  std::ifstream file{golden_file};
  REQUIRE_MESSAGE(file.good(), golden_file);
  std::ostringstream golden;
  golden << file.rdbuf();
  CHECK(listed(families) == golden.str());
}

TEST_CASE("a request's series shows its labels in the declared order") {
  CHECK(full_page().contains(
      "\nonboarding_gateway_requests_total{route=\"create\",method=\"POST\",code=\"422\",caller=\"customer-portal\","
      "account=\"sandbox\",problem=\"validation-failed\"} 1\n"));
}

TEST_CASE("the page of the documentation is what the code says") {
  metrics::catalogue families;
  const metrics::gateway_metrics m{families};
  std::ifstream file{"docs/metrics.md"};
  REQUIRE_MESSAGE(file.good(), "docs/metrics.md: run `make metrics-page`");
  std::ostringstream page;
  page << file.rdbuf();
  CHECK_MESSAGE(metrics::render_page(families, metrics::label_notes()) == page.str(),
                "docs/metrics.md is out of date: run `make metrics-page`");
}

TEST_CASE("every label is explained, and every explanation is of a label that there is") {
  metrics::catalogue families;
  const metrics::gateway_metrics m{families};
  const auto explains = [](const metrics::label_note& note, const metrics::family_row& row, const std::string& label) {
    return note.label == label && (note.family.empty() || row.name == "onboarding_gateway_" + std::string{note.family});
  };
  std::set<const metrics::label_note*> used;
  for (const auto& row : families.rows()) {
    for (const auto& label : row.labels) {
      CAPTURE(row.name + " " + label);
      bool explained = row.name.ends_with("build_info");
      for (const auto& note : metrics::label_notes()) {
        if (!explains(note, row, label)) continue;
        explained = true;
        used.insert(&note);
      }
      CHECK(explained);
    }
  }
  CHECK(used.size() == metrics::label_notes().size());
}

TEST_CASE("promtool finds nothing to complain about on a page with every family") {
  REQUIRE_MESSAGE(std::system("command -v promtool >/dev/null 2>&1") == 0,
                  "promtool is not installed (Debian package: prometheus; tests/scripts/install-packages test)");
  const auto result = promtool(full_page());
  CHECK(result.said == "");
  CHECK(result.code == 0);
}
