#include "app/request_instrument.hpp"
#include "app/upstream_instrument.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace gateway::app {
namespace {

using dispatch::operation;

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
  upstream_instrument upstream{{.account = "sandbox",
                                .callers = {"portal"},
                                .loop = loop,
                                .families = families,
                                .shard = shard,
                                .lines = lines,
                                .log = log}};
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

TEST_CASE_FIXTURE(instruments_fixture, "a success of Podero that is of no use is counted, and said with its reason") {
  CHECK(value_of(R"(upstream_answers_unusable_total{account="sandbox",operation="create_session"})") == 0);
  CHECK(value_of(R"(upstream_answers_unusable_total{account="sandbox",operation="read_devices"})") == 0);
  for (int i = 0; i < 3; ++i) upstream.unusable(operation::create_session, "it has no `id` that is a UUID");
  CHECK(value_of(R"(upstream_answers_unusable_total{account="sandbox",operation="create_session"})") == 3);
  REQUIRE(kept.lines().size() == 1);
  CHECK(kept.lines()[0].contains("Podero's answer cannot be used"));
  CHECK(kept.lines()[0].contains("it has no `id` that is a UUID"));
  clock.advance(std::chrono::seconds{10});
  loop.turn();
  upstream.tell_storms();
  REQUIRE(kept.lines().size() == 2);
  CHECK(kept.lines()[1].contains(R"("times":2)"));
}

TEST_CASE_FIXTURE(instruments_fixture, "Podero's 429 has its series before the first, for every operation") {
  for (const auto* each : {"create_session", "read_session", "create_user", "read_devices"})
    CHECK(value_of(R"(upstream_requests_total{account="sandbox",operation=")" + std::string{each} +
                   R"(",code="429"})") == 0);
  gateway::upstream::exchange_result answered;
  answered.end = gateway::upstream::exchange_end::answered;
  const trace::context trace;
  const trace::origin origin;
  upstream.exchanged({.what = operation::create_session, .trace = trace, .origin = origin}, 429, true, answered);
  CHECK(value_of(R"(upstream_requests_total{account="sandbox",operation="create_session",code="429"})") == 1);
}

}  // namespace gateway::app
