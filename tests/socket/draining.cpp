// A gateway that ends while much waits and some runs.
#include "socket/podero_log.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <atomic>
#include <csignal>
#include <sstream>
#include <thread>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using namespace std::chrono_literals;

namespace {

constexpr int in_flight = 50;
constexpr int queued = 1000;

// Fifty at once and no more for long; the others have the time to wait for their turn.
void limit(configuration& c) {
  c.drain = "{ delay: 1s, timeout: 20s }";
  c.timeouts = "{ total: 1h, connect: 5s, exchange: 1m }";
  c.account_more =
      "    limits: { sessions: [ { rate: 50, per: 1m } ], jitter: 0ms, queue: { length: 1000, max_wait: 1h } }\n";
}

// Reads the metrics again and again, as long as there are any.
class observer {
 public:
  explicit observer(unsigned short port) : thread_{[this, port] { look(port); }} {}
  // The last page, once the gateway has ended.
  std::string last() {
    thread_.join();
    return last_;
  }

 private:
  void look(unsigned short port) {
    try {
      for (;;) {
        last_ = get(port, "/metrics").body;
        std::this_thread::sleep_for(100ms);
      }
    } catch (const std::exception&) {
      return;  // it has ended
    }
  }
  std::string last_;
  std::jthread thread_;
};

// The sum of the series of that name with all of these in them.
double sum_of(const std::string& page, std::string_view name, std::initializer_list<std::string_view> with) {
  double sum = 0;
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    if (std::ranges::all_of(with, [&](auto part) { return line.contains(part); }))
      sum += std::stod(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

void ask(connection& over, int number) {
  over.send(connection::request("POST", sessions_path, body_for(number), json_body));
}

}  // namespace

TEST_CASE(
    "With 1,000 waiting and 50 on their way, those get a 503 without effect, these their answers, and all counts") {
  both_programs running{limit};
  auto& gateway = running.gateway;
  running.podero.order("POST", "/faults", R"({"match":{"operation":"create"},"action":{"latency":"12s"}})");
  std::vector<connection> sent;
  std::vector<connection> waiting;
  for (int i = 0; i < in_flight; ++i) ask(sent.emplace_back(gateway.caller()), i);
  REQUIRE(eventually(
      [&] { return gateway.metric(R"(onboarding_gateway_connections{side="upstream",state="busy"})") == in_flight; }));
  for (int i = 0; i < queued; ++i) ask(waiting.emplace_back(gateway.caller()), in_flight + i);
  const std::string queue = R"(onboarding_gateway_queue_length{account="sandbox"})";
  REQUIRE(eventually([&] { return gateway.metric(queue) == queued; }));

  observer watching{gateway.admin()};
  const auto began = std::chrono::steady_clock::now();
  gateway.process().signal(SIGTERM);
  REQUIRE(eventually([&] { return get(gateway.admin(), "/readyz").status == 503; }));
  CHECK(gateway.metric(queue) == queued);  // it serves on

  int refused = 0;
  for (auto& one : waiting) {
    const auto got = one.receive();
    const auto problem = got.json();
    refused += got.status == 503 && text_in(problem, "type") == "/problems/draining" &&
               text_in(problem, "upstream_effect") == "none" && !got.keep_alive;
  }
  const auto refused_after = std::chrono::steady_clock::now() - began;
  CHECK(refused == queued);
  CHECK(refused_after >= 1s);
  int answered = 0;
  for (auto& one : sent) answered += one.receive().status == 201;
  CHECK(answered == in_flight);
  CHECK(gateway.process().end() == 0);
  CHECK(std::chrono::steady_clock::now() - began < 21s);

  const auto page = watching.last();
  const std::string_view requests = "onboarding_gateway_requests_total";
  CHECK(sum_of(page, requests, {R"(code="201")"}) == in_flight);
  CHECK(sum_of(page, requests, {R"(code="503")", R"(problem="draining")"}) == queued);
  CHECK(sum_of(page, "onboarding_gateway_queue_length", {"sandbox"}) == 0);
  CHECK(running.podero.counter("creations") == in_flight);
}

TEST_CASE("Who connects while it ends is answered, as long as the port is open, and the connection is closed") {
  both_programs running{[](auto& c) { c.drain = "{ delay: 500ms, timeout: 10s }"; }};
  auto& gateway = running.gateway;
  int answered = 0;
  int cut_off = 0;
  gateway.process().signal(SIGTERM);
  for (;;) {
    std::optional<connection> caller;
    try {
      caller.emplace(gateway.api());
    } catch (const std::exception&) {
      break;  // the port is closed
    }
    try {
      answered += caller->call("GET", "/v1/accounts").status == 200;
    } catch (const std::exception&) {
      ++cut_off;  // it came between the last look at the queue and the end of listening
    }
  }
  CHECK(answered > 0);
  CHECK(cut_off <= 1);
  CHECK(gateway.process().end() == 0);
}

TEST_CASE("What changes in files while it ends is not taken over any more") {
  const gateway::support::scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.drain = "{ delay: 3s, timeout: 10s }";
  running_gateway gateway{how};
  gateway.process().signal(SIGTERM);
  gateway.process().line_with("draining");
  how.drain = "{ delay: 0ms, timeout: 11s }";
  gateway.rewrite(how);
  CHECK(gateway.process().end() == 0);
  CHECK_FALSE(gateway.process().output().contains("configuration reloaded"));
}
