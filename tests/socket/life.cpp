// How a gateway starts, stands beside others, and ends.
#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::finished;
using gateway::support::program;
using gateway::support::run;
using gateway::support::scratch_folder;
using gateway::support::streams;

namespace {

const std::string in_flight = "onboarding_gateway_requests_in_flight";

std::string at_port(unsigned short port) {
  return "{ address: 127.0.0.1, port: " + std::to_string(port) + " }";
}

finished start_beside(const configuration& how) {
  const scratch_folder folder;
  return run(std::string{gateway_file}, {"--config", folder.write("gateway.yaml", how.text())});
}

// A reading of that session which Podero answers late, on its way.
class slow_reading {
 public:
  slow_reading(both_programs& in, const std::string& id, std::string_view latency) {
    in.podero.order("POST", "/faults",
                    R"({"match":{"operation":"read"},"action":{"latency":")" + std::string{latency} + R"("}})");
    answer_ = std::async(std::launch::async, [port = in.gateway.api(), id] {
      return connection{port}.call("GET", std::string{sessions_path} + "/" + id);
    });
    REQUIRE(eventually([&] { return in.gateway.metric(in_flight) == 1; }));
  }
  answer get() { return answer_.get(); }
  bool is_lost() {
    try {
      answer_.get();
      return false;
    } catch (const std::exception&) {
      return true;
    }
  }

 private:
  std::future<answer> answer_;
};

std::string new_session(connection& over) {
  return text_in(create(over).json(), "id");
}

// The ports on which that process listens, by the kernel's word.
std::set<unsigned short> listening_ports(pid_t pid) {
  constexpr std::string_view listening = "0A";
  std::set<std::string> inodes;
  std::error_code ignored;
  for (const auto& one : std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/fd", ignored}) {
    const auto leads_to = std::filesystem::read_symlink(one.path(), ignored).string();
    if (leads_to.starts_with("socket:[")) inodes.insert(leads_to.substr(8, leads_to.size() - 9));
  }
  std::set<unsigned short> ports;
  std::ifstream table{"/proc/net/tcp"};
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields{line};
    std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
    if (state == listening && inodes.contains(inode))
      ports.insert(static_cast<unsigned short>(std::stoul(local.substr(local.find(':') + 1), nullptr, 16)));
  }
  return ports;
}

}  // namespace

TEST_CASE("Told to stop, it is unready at once, serves on for the delay, finishes what runs and exits with 0") {
  both_programs running{[](auto& c) { c.drain = "{ delay: 1s, timeout: 10s }"; }};
  auto& gateway = running.gateway;
  auto caller = gateway.caller();
  slow_reading slow{running, new_session(caller), "2s"};

  gateway.process().signal(SIGTERM);
  CHECK(eventually([&] { return get(gateway.admin(), "/readyz").status == 503; }));
  CHECK(get(gateway.admin(), "/readyz").body.contains(R"("name":"draining","passing":false)"));
  create(caller);  // over an old connection, and over a new one
  auto late = gateway.caller();
  create(late);
  CHECK(get(gateway.admin(), "/livez").status == 200);
  CHECK(get(gateway.admin(), "/metrics").status == 200);

  CHECK(caller.ends());  // the delay is over
  const auto finished = slow.get();
  CHECK(finished.status == 200);
  CHECK_FALSE(finished.keep_alive);
  CHECK(gateway.process().end() == 0);
  CHECK_FALSE(is_open(gateway.api()));
  CHECK(gateway.process().line_with("\"draining\"").contains(R"("delay_ms":1000,"timeout_ms":10000)"));
  gateway.process().line_with("\"stopped\"");
}

TEST_CASE("Told to stop twice, it ends at once") {
  both_programs running{[](auto& c) { c.drain = "{ delay: 1m, timeout: 1m }"; }};
  auto caller = running.gateway.caller();
  slow_reading slow{running, new_session(caller), "1m"};
  running.gateway.process().signal(SIGTERM);
  running.gateway.process().line_with("\"draining\"");
  running.gateway.process().signal(SIGTERM);
  CHECK(running.gateway.process().end() == 0);
  CHECK(slow.is_lost());
}

TEST_CASE("Told to stop while name servers are silent, it waits for none of their answers") {
  const scratch_folder folder;
  const running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.base_url = "https://podero.silent.test/api/partners/v2.0";
  how.environment = {"LD_PRELOAD=" SILENCE_LIBRARY};
  how.wait_until_ready = false;
  SUBCASE("once") {
    running_gateway gateway{how};
    gateway.process().signal(SIGTERM);
    CHECK(gateway.process().end() == 0);  // a lookup takes longer than this waits
  }
  SUBCASE("twice") {
    how.drain = "{ delay: 1m, timeout: 1m }";
    running_gateway gateway{how};
    gateway.process().signal(SIGTERM);
    gateway.process().line_with("\"draining\"");
    gateway.process().signal(SIGTERM);
    CHECK(gateway.process().end() == 0);
  }
}

TEST_CASE("What runs longer than drain.timeout is cut off") {
  both_programs running{[](auto& c) { c.drain = "{ delay: 0ms, timeout: 200ms }"; }};
  auto caller = running.gateway.caller();
  slow_reading slow{running, new_session(caller), "1m"};
  running.gateway.process().signal(SIGINT);
  running.gateway.process().line_with("drain.timeout is over");
  CHECK(running.gateway.process().end() == 0);
  CHECK(slow.is_lost());
}

TEST_CASE("A port that another gateway has is a reason not to start, for callers and for operators") {
  both_programs running;
  auto second = configuration::of(running.podero, running.folder);
  const auto port = running.gateway.api();
  second.api = at_port(port);
  const auto for_callers = start_beside(second);
  CHECK(for_callers.code == 1);
  CHECK(for_callers.errors == "onboarding-gateway: listeners.api: cannot listen on 127.0.0.1:" + std::to_string(port) +
                                  ": the port is in use\n");
  second = configuration::of(running.podero, running.folder);
  second.admin = at_port(running.gateway.admin());
  const auto for_operators = start_beside(second);
  CHECK(for_operators.code == 1);
  CHECK(for_operators.errors == "onboarding-gateway: listeners.admin: cannot listen on 127.0.0.1:" +
                                    std::to_string(running.gateway.admin()) + ": the port is in use\n");
}

TEST_CASE("An address that is not this machine's is a reason not to start") {
  const both_programs running;
  auto elsewhere = configuration::of(running.podero, running.folder);
  elsewhere.api = "{ address: 192.0.2.1, port: 0 }";
  elsewhere.more = "allow_anonymous: true\n";
  const auto tried = start_beside(elsewhere);
  CHECK(tried.code == 1);
  CHECK(tried.errors ==
        "onboarding-gateway: listeners.api: cannot listen on 192.0.2.1:0: Cannot assign requested address\n");
}

TEST_CASE("With reuse_port two gateways share a port, and each serves when the other is gone") {
  const scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.api = "{ address: 127.0.0.1, port: 0, reuse_port: true }";
  auto first = std::make_unique<running_gateway>(how);
  const auto port = first->api();
  how.api = "{ address: 127.0.0.1, port: " + std::to_string(port) + ", reuse_port: true }";
  running_gateway second{how};
  CHECK(second.api() == port);
  first.reset();
  auto caller = second.caller();
  create(caller);
}

TEST_CASE("Without stdin it serves, and goes on when whoever read its output is gone") {
  const scratch_folder folder;
  running_simulator podero;
  running_gateway gateway{configuration::of(podero, folder), streams::closed_input};
  auto caller = gateway.caller();
  create(caller);
  gateway.process().close_outputs();
  for (int i = 0; i < 20; ++i) create(caller);
  CHECK(get(gateway.admin(), "/livez").status == 200);
}

TEST_CASE("When nobody reads its output it serves on, and counts the lines that were lost") {
  both_programs running;
  running.gateway.process().stop_reading();
  constexpr int at_once = 100;
  std::string many;
  for (int i = 0; i < at_once; ++i) many += connection::request("GET", "/nothing", "", "");
  auto caller = running.gateway.caller();
  int answered = 0;
  CHECK(eventually([&] {
    caller.send(many);
    for (int i = 0; i < at_once; ++i) answered += caller.receive().status == 404 ? 1 : 0;
    return running.gateway.metric("onboarding_gateway_log_lines_dropped_total") > 0;
  }));
  CHECK(answered % at_once == 0);
  create(caller);
  // It has to end without its last words.
}

TEST_CASE("Started without standard streams, it takes no connection for one of them") {
  const scratch_folder folder;
  running_simulator podero;
  const auto file = folder.write("gateway.yaml", configuration::of(podero, folder).text());
  if (::geteuid() != 0) {
    MESSAGE("skipped: the process hides its descriptors from everybody but root");
    return;
  }
  program gateway{std::string{gateway_file}, {"--config", file}, streams::none};
  REQUIRE(eventually([&] { return listening_ports(gateway.pid()).size() == 2; }));
  for (const std::string number : {"0", "1", "2"})
    CHECK(std::filesystem::read_symlink("/proc/" + std::to_string(gateway.pid()) + "/fd/" + number) == "/dev/null");
  for (const auto port : listening_ports(gateway.pid())) {
    if (get(port, "/livez").status == 200) continue;  // the operators'
    auto caller = connection{port};
    create(caller);
  }
  gateway.signal(SIGTERM);
  CHECK(gateway.end() == 0);
}
