// Gateways are replaced under steady load: behind a load balancer without a loss, on one port with as few as the kernel
// allows.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>

#include "socket/podero_log.hpp"

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::program;
using gateway::support::scratch_folder;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view haproxy = "/usr/sbin/haproxy";
constexpr int replacements = 20;

// A port that nobody has now; a test's gateways come back to it.
unsigned short free_port() {
  const scratch_folder folder;
  running_simulator one;
  return one.port();
}

std::string on(unsigned short port, bool shared = false) {
  return "{ address: 127.0.0.1, port: " + std::to_string(port) + (shared ? ", reuse_port: true }" : " }");
}

// Callers that ask all the time, some over connections that stay, some over a new one each time.
class load {
 public:
  load(unsigned short port, int staying, int fresh) : port_{port} {
    for (int i = 0; i < staying + fresh; ++i) threads_.emplace_back([this, i, stays = i < staying] { ask(i, stays); });
  }
  void stop() {
    stop_ = true;
    threads_.clear();
  }
  int answered() const noexcept { return answered_; }
  int lost() const noexcept { return lost_; }
  std::string first_loss() const { return first_loss_; }

 private:
  void ask(int caller, bool stays) {
    std::optional<connection> over;
    for (int round = 0; !stop_; ++round) {
      try {
        if (!over) over.emplace(port_);
        const bool creates = round % 2 == 0;
        const auto got = creates ? over->call("POST", sessions_path, body_for(caller * 100'000 + round), json_body)
                                 : over->call("GET", "/v1/accounts");
        if (got.status == (creates ? 201U : 200U))
          ++answered_;
        else
          lose(std::to_string(got.status) + " " + got.body);
        if (!stays || !got.keep_alive) over.reset();
      } catch (const std::exception& failure) {
        lose(failure.what());
        over.reset();
      }
      std::this_thread::sleep_for(5ms);
    }
  }
  void lose(const std::string& what) {
    const std::lock_guard lock{mutex_};
    if (lost_++ == 0) first_loss_ = what;
  }

  const unsigned short port_;
  std::atomic<bool> stop_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> lost_{0};
  std::mutex mutex_;
  std::string first_loss_;
  std::vector<std::jthread> threads_;
};

struct balancer {
  balancer(unsigned short port, const std::vector<std::unique_ptr<running_gateway>>& behind)
      : process{std::string{haproxy}, {"-f", folder.write("haproxy.cfg", text(port, behind)), "-db"}} {
    REQUIRE(eventually([&] { return is_open(port); }));
  }
  ~balancer() {
    process.signal(SIGTERM);
    process.end();
  }
  static std::string text(unsigned short port, const std::vector<std::unique_ptr<running_gateway>>& behind) {
    std::string out =
        "global\n  nbthread 1\ndefaults\n  mode http\n  retries 0\n  timeout connect 10s\n  timeout check 10s\n  "
        "timeout "
        "client 30s\n"
        "  timeout server 30s\nfrontend callers\n  bind 127.0.0.1:" +
        std::to_string(port) +
        "\n  default_backend gateways\nbackend gateways\n  option httpchk\n  http-check send meth GET uri /readyz ver "
        "HTTP/1.1 hdr Host gateway\n";
    for (const auto& one : behind)
      out += "  server s" + std::to_string(one->api()) + " 127.0.0.1:" + std::to_string(one->api()) + " check port " +
             std::to_string(one->admin()) + " inter 100ms fall 2 rise 2\n";
    return out;
  }
  scratch_folder folder;
  program process;
};

}  // namespace

TEST_CASE("Two gateways behind HAProxy, replaced twenty times by turns under load: not one request is lost") {
  REQUIRE_MESSAGE(::access(std::string{haproxy}.c_str(), X_OK) == 0, "haproxy is needed: make test installs it");
  const scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.drain = "{ delay: 2s, timeout: 10s }";
  std::vector<std::unique_ptr<running_gateway>> gateways;
  for (int i = 0; i < 2; ++i) gateways.push_back(std::make_unique<running_gateway>(how));
  const auto port = free_port();
  const balancer before{port, gateways};
  // HAProxy takes both for good until it has looked.
  load callers{port, 4, 2};
  for (int i = 0; i < replacements; ++i) {
    auto& one = gateways[static_cast<std::size_t>(i) % 2];
    how.api = on(one->api());
    how.admin = on(one->admin());
    one.reset();  // SIGTERM; it ends with 0
    one = std::make_unique<running_gateway>(how);
    std::this_thread::sleep_for(1s);  // until HAProxy has seen twice that it is ready
  }
  callers.stop();
  MESSAGE(replacements << " replacements, " << callers.answered() << " requests answered, " << callers.lost()
                       << " lost");
  INFO(callers.first_loss());
  CHECK(callers.lost() == 0);
  CHECK(callers.answered() > 1000);
}

TEST_CASE("A single gateway and its successor on one port: at most what the kernel loses between two sockets") {
  const scratch_folder folder;
  running_simulator podero;
  auto how = configuration::of(podero, folder);
  how.drain = "{ delay: 200ms, timeout: 10s }";
  how.api = on(free_port(), true);
  auto present = std::make_unique<running_gateway>(how);
  load callers{present->api(), 0, 6};
  for (int i = 0; i < replacements; ++i) {
    auto next = std::make_unique<running_gateway>(how);
    present = std::move(next);  // the former is told to stop
  }
  callers.stop();
  MESSAGE(replacements << " replacements, " << callers.answered() << " requests answered, " << callers.lost()
                       << " lost, the first: " << callers.first_loss());
  CHECK(callers.answered() > 1000);
  // One listening socket per loop, each with a moment between the last look at its queue and its end.
  CHECK(callers.lost() <= replacements);
}
