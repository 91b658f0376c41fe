#include "app/instruments.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace gateway::app {
namespace {

struct instruments_fixture {
  // Of one series by its name and labels; -1: there is no such series.
  double value_of(const std::string& series) const {
    const auto page = metrics::render(registry);
    const auto from = page.find("\nonboarding_gateway_" + series + " ");
    return from == std::string::npos ? -1 : std::stod(page.substr(page.find("} ", from) + 2));
  }
  ~instruments_fixture() { ::close(nowhere); }

  int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  journal::memory_sink kept;
  journal::log log{kept, clock, {.threshold = journal::level::info, .style = journal::format::json}};
  journal::output out{nowhere};
  journal::access_log lines{out, {}};
  random::system_source randomness;
  trace::tracer tracer{randomness, nullptr, 0};
  metrics::catalogue catalogue;
  metrics::gateway_metrics families{catalogue};
  metrics::registry registry{catalogue};
  metrics::shard& shard = registry.add_shard();
  std::vector<std::string> accounts{"production", "sandbox"};
  request_instrument requests{families, shard, lines, log, loop, tracer, accounts};
};

}  // namespace

TEST_CASE_FIXTURE(instruments_fixture, "a request counts for the service level of its account, or of none") {
  listener::exchange x;
  x.route = "create_session";
  x.reply.status = 501;
  x.account = "sandbox";
  x.account_number = 2;
  x.problem = "not-configured";
  x.problem_number = std::to_underlying(errors::problem::not_configured) + 1;
  requests.answered(x, std::chrono::milliseconds{1}, {}, 0);
  CHECK(value_of(R"(service_level_requests_total{account="sandbox",verdict="bad"})") == 1);
  listener::exchange lost;
  lost.route = "none";
  lost.reply.status = 404;
  requests.answered(lost, std::chrono::milliseconds{1}, {}, 0);
  CHECK(value_of(R"(service_level_requests_total{account="",verdict="good"})") == 1);
  CHECK(value_of(R"(service_level_requests_total{account="production",verdict="good"})") == 0);
}

TEST_CASE_FIXTURE(instruments_fixture,
                  "a line of a batch counts for its caller, for the service level, and for the guard that refused it") {
  listener::answered_line line{.caller = "portal",
                               .account = "sandbox",
                               .caller_number = 1,
                               .account_number = 2,
                               .status = 503,
                               .problem = errors::problem::store_unavailable,
                               .guard = errors::guard::store};
  requests.answered(line);
  requests.answered(line);
  line.caller = "tools";
  line.caller_number = 2;
  line.status = 201;
  line.problem.reset();
  line.guard.reset();
  requests.answered(line);
  CHECK(value_of(R"(batch_lines_total{account="sandbox",caller="portal",code="503",problem="store-unavailable"})") ==
        2);
  CHECK(value_of(R"(batch_lines_total{account="sandbox",caller="tools",code="201",problem=""})") == 1);
  CHECK(value_of(R"(service_level_requests_total{account="sandbox",verdict="bad"})") == 2);
  CHECK(value_of(R"(service_level_requests_total{account="sandbox",verdict="good"})") == 1);
  CHECK(value_of(R"(requests_refused_total{account="sandbox",caller="portal",guard="store"})") == 2);
}

}  // namespace gateway::app
