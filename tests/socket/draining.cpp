// A gateway that ends while much waits and some runs.
#include "socket/podero_log.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using namespace std::chrono_literals;

namespace {

constexpr int in_flight = 50;
constexpr int queued = 1000;
constexpr int at_once = 4;                             // newcomers
constexpr std::chrono::microseconds clock_step = 1ms;  // of an access line's time

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

// Come one after the other, each on a connection of its own, until the port is closed.
class newcomers {
 public:
  newcomers(unsigned short port, int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this, port] { come(port); });
  }
  void wait() { threads_.clear(); }
  int answered() const noexcept { return answered_; }
  int cut_off() const noexcept { return cut_off_; }

 private:
  void come(unsigned short port) {
    for (;;) {
      std::optional<connection> caller;
      try {
        caller.emplace(port);
      } catch (const std::exception&) {
        return;  // the port is closed
      }
      try {
        answered_ += caller->call("GET", "/v1/accounts").status == 200;
      } catch (const std::exception&) {
        ++cut_off_;  // it came between the last look at the queue and the end of listening
      }
    }
  }
  std::atomic<int> answered_{0};
  std::atomic<int> cut_off_{0};
  std::vector<std::jthread> threads_;
};

// A request as its access line tells it, by the gateway's own clock.
struct told {
  bool refused;  // as one that waited while it ended
  std::chrono::microseconds began;
  std::chrono::microseconds ended;
};
std::chrono::microseconds time_of_day(std::string_view stamp) {
  const auto clock = stamp.substr(stamp.find('T') + 1);
  const auto number = [&](std::size_t at) { return std::stod(std::string{clock.substr(at)}); };
  return std::chrono::microseconds{
      static_cast<std::int64_t>((number(0) * 3600 + number(3) * 60 + number(6)) * 1'000'000 + 0.5)};
}
std::vector<told> requests_in(const std::string& log) {
  std::vector<told> all;
  std::istringstream lines{log};
  for (std::string line; std::getline(lines, line);) {
    if (!line.contains(R"("duration_ms":)")) continue;
    const auto read = boost::json::parse(line);
    const auto ended = time_of_day(text_in(read, "time"));
    const auto took =
        std::chrono::microseconds{static_cast<std::int64_t>(read.at("duration_ms").to_number<double>() * 1000)};
    all.push_back({line.contains(R"("problem":"draining")"), ended - took, ended});
  }
  return all;
}

// When the gateway took a connection at that port, by the wall clock's time of day (see accepts.cpp).
std::vector<std::chrono::microseconds> accepts_in(const std::string& file, unsigned short port) {
  using namespace std::chrono;
  std::vector<microseconds> all;
  std::ifstream lines{file};
  unsigned came_to = 0;
  for (std::int64_t at = 0; lines >> came_to >> at;)
    if (came_to == port) all.push_back(duration_cast<microseconds>(nanoseconds{at} % days{1}));
  return all;
}

void ask(connection& over, int number) {
  over.send(connection::request("POST", sessions_path, body_for(number), json_body));
}

}  // namespace

TEST_CASE(
    "With 1,000 waiting and 50 on their way, those get a 503 without effect, these their answers, and all counts") {
  const gateway::support::scratch_folder folder;
  const auto taken = folder.path("accepts");
  both_programs running{[&](auto& c) {
    limit(c);
    c.environment = {"LD_PRELOAD=" ACCEPTS_LIBRARY, "GATEWAY_TEST_ACCEPTS=" + taken};
  }};
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
  newcomers others{gateway.api(), at_once};

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
  CHECK(std::chrono::steady_clock::now() - began < 60s);
  others.wait();

  // From the first refusal to the last no connection is taken; who came meanwhile waited in the kernel.
  const auto lines = requests_in(gateway.process().output());
  auto first = std::chrono::microseconds::max();
  auto last = std::chrono::microseconds::min();
  for (const auto& one : lines)
    if (one.refused) first = std::min(first, one.ended), last = std::max(last, one.ended);
  const auto within = [&](std::chrono::microseconds at) { return at > first + clock_step && at < last - clock_step; };
  const auto accepts = accepts_in(taken, gateway.api());
  const auto accepted_between = std::ranges::count_if(accepts, within);
  const auto accepted_after = std::ranges::count_if(accepts, [&](auto at) { return at >= last; });
  const auto begun_between =
      std::ranges::count_if(lines, [&](const told& one) { return !one.refused && within(one.began); });
  MESSAGE("refused within " << (last - first).count() / 1000 << " ms; of " << accepts.size() << " connections "
                            << accepted_between << " were taken meanwhile, " << accepted_after << " later; "
                            << begun_between << " requests began meanwhile, " << others.cut_off() << " cut off");
  CHECK(std::ranges::count(lines, true, &told::refused) == queued);
  CHECK(last - first > 3 * clock_step);  // so that there is something to begin in
  CHECK(accepts.size() > queued + in_flight);
  CHECK(accepted_between == 0);
  WARN(accepted_after > 0);  // unless nobody came in those milliseconds
  // On connections that were there before, one of each newcomer at most.
  CHECK(begun_between <= at_once);

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
  gateway.process().signal(SIGTERM);
  newcomers others{gateway.api(), 1};
  others.wait();
  CHECK(others.answered() > 0);
  CHECK(others.cut_off() <= 1);
  CHECK(gateway.process().end() == 0);
}

TEST_CASE("While load balancers learn that it ends, it serves on, and every answer sends its caller away") {
  both_programs running{[](auto& c) { c.drain = "{ delay: 2s, timeout: 10s }"; }};
  auto& gateway = running.gateway;
  auto kept = gateway.caller();
  CHECK(kept.call("GET", "/v1/accounts").keep_alive);
  gateway.process().signal(SIGTERM);
  gateway.process().line_with("draining");
  REQUIRE(eventually([&] { return get(gateway.admin(), "/readyz").status == 503; }));
  const auto last = create(kept);  // a connection that was there before
  CHECK(last.status == 201);
  CHECK_FALSE(last.keep_alive);
  auto newcomer = gateway.caller();
  const auto only = newcomer.call("GET", "/v1/accounts");
  CHECK(only.status == 200);
  CHECK_FALSE(only.keep_alive);
  CHECK(gateway.process().end() == 0);
}

TEST_CASE("A creation that is under way when the gateway ends all the same has its audit line") {
  bool told_twice = false;
  SUBCASE("because drain.timeout is over") {}
  SUBCASE("because it is told to stop a second time") {
    told_twice = true;
  }
  both_programs running{[&](auto& c) {
    c.drain = told_twice ? "{ delay: 0ms, timeout: 60s }" : "{ delay: 0ms, timeout: 300ms }";
    c.timeouts = "{ total: 60s, connect: 5s, exchange: 50s }";
  }};
  auto& gateway = running.gateway;
  running.podero.order("POST", "/faults", R"({"match":{"operation":"create"},"action":{"latency":"40s"}})");
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e473";
  std::vector<connection> cut;
  for (int i = 0; i < 3; ++i) {
    // Alone, and with a key.
    auto headers = std::string{json_body} + "traceparent: 00-" + trace + std::to_string(i) + "-00f067aa0ba902b7-01\r\n";
    if (i > 0) headers += "Idempotency-Key: " + std::to_string(i) + "\r\n";
    cut.emplace_back(gateway.caller()).send(connection::request("POST", sessions_path, body_for(i), headers));
  }
  REQUIRE(eventually(
      [&] { return gateway.metric(R"(onboarding_gateway_connections{side="upstream",state="busy"})") == 3; }));
  gateway.process().signal(SIGTERM);
  if (told_twice) {
    REQUIRE(eventually([&] { return get(gateway.admin(), "/readyz").status == 503; }));
    gateway.process().signal(SIGTERM);
  }
  CHECK(gateway.process().end() == 0);
  const auto log = gateway.process().output();
  for (int i = 0; i < 3; ++i) {
    CAPTURE(i);
    const auto at = log.find(R"("trace_id":")" + trace + std::to_string(i) + "\"");
    REQUIRE(at != std::string::npos);
    const auto begin = log.rfind('\n', at) + 1;
    const auto line = log.substr(begin, log.find('\n', at) - begin);
    CHECK(line.contains(R"("msg":"session may have been created","request_id":")"));
    CHECK(line.contains(R"("caller":"anonymous","account":"sandbox","effect":"unknown")"));
    CHECK(line.contains(R"("audit":true)"));
    CHECK(log.find(trace + std::to_string(i), begin + line.size()) == std::string::npos);  // once
  }
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
