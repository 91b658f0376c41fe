// An operator rotates what the gateway shows and whom it trusts, under load, and no good request is refused.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "socket/secured.hpp"

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::scratch_folder;

namespace {

constexpr auto breath = std::chrono::milliseconds{5};
constexpr int enough = 15;  // requests of every client, in every stage

// One client that asks without pause: as whoever `who` says, on one connection as long as that stays the same, or on a
// new one each time.
class client {
 public:
  struct identity {
    int number = 0;
    connection::trust trust;
    std::string headers;
  };
  client(unsigned short port, bool keeps, identity first)
      : port_{port}, keeps_{keeps}, who_{std::move(first)}, thread_{[this] { run(); }} {}
  ~client() { stop(); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void stop() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void become(identity next) {
    const std::lock_guard lock{mutex_};
    who_ = std::move(next);
  }
  int answered() const { return answered_; }
  int last_identity() const { return last_identity_; }
  std::string failure() const {
    const std::lock_guard lock{mutex_};
    return failure_;
  }

 private:
  void run() {
    std::optional<connection> open;
    int opened_as = -1;
    while (!over_) {
      const auto who = present();
      try {
        if (!keeps_ || opened_as != who.number) open.reset();
        if (!open) open.emplace(port_, who.trust);
        opened_as = who.number;
        const auto got = open->call("GET", "/v1/accounts/sandbox", "", who.headers);
        if (got.status == 200 && got.keep_alive)
          ++answered_;
        else
          fail(std::to_string(got.status) + " " + got.body);
        last_identity_ = who.number;
      } catch (const std::exception& lost) {
        fail(lost.what());
        open.reset();
      }
      std::this_thread::sleep_for(breath);
    }
  }
  identity present() const {
    const std::lock_guard lock{mutex_};
    return who_;
  }
  void fail(std::string what) {
    const std::lock_guard lock{mutex_};
    if (failure_.empty()) failure_ = std::move(what);
  }

  const unsigned short port_;
  const bool keeps_;
  mutable std::mutex mutex_;
  identity who_;
  std::string failure_;
  std::atomic<bool> over_{false};
  std::atomic<int> answered_{0};
  std::atomic<int> last_identity_{-1};
  std::thread thread_;
};

}  // namespace

TEST_CASE("A certificate and a CA are rotated under load with keys and certificates, and no good request is refused") {
  const scratch_folder folder;
  running_simulator podero;
  const known_callers callers;
  const auto servers = simulator::make_authority("Servers");
  const auto new_servers = simulator::make_authority("New servers");
  const auto clients = simulator::make_authority("Clients");
  const auto new_clients = simulator::make_authority("New clients");
  // Clients trust both authorities of servers, as they have to before the first of them changes.
  const auto server_ca = folder.write("servers.pem", servers.certificate_pem + new_servers.certificate_pem);
  const auto server = simulator::make_certificate(servers, {.host_names = {"localhost"}});
  const auto new_server = simulator::make_certificate(new_servers, {.host_names = {"localhost"}});

  mounted_tls tls{folder};
  tls.mount(server, clients.certificate_pem);
  auto how = configuration::of(podero, folder);
  how.api = "{ address: 127.0.0.1, port: 0, " + tls.yaml() + " }";
  how.more = callers.yaml();
  running_gateway gateway{how};

  const client::identity with_key{0, {.ca_file = server_ca}, callers.portal.header()};
  const auto old_trust = as_client(folder, "old", server_ca, client_certificate(clients, "portal.internal"));
  const auto new_trust = as_client(folder, "new", server_ca, client_certificate(new_clients, "portal.internal"));
  const client::identity with_old{0, old_trust, ""};
  const client::identity with_new{1, new_trust, ""};

  std::array<client, 4> load{client{gateway.api(), true, with_key}, client{gateway.api(), false, with_key},
                             client{gateway.api(), true, with_old}, client{gateway.api(), false, with_old}};
  const auto more_of_all = [&] {
    std::array<int, load.size()> before{};
    for (std::size_t i = 0; i < load.size(); ++i) before[i] = load[i].answered();
    const bool served = eventually([&] {
      for (std::size_t i = 0; i < load.size(); ++i)
        if (load[i].answered() < before[i] + enough) return false;
      return true;
    });
    for (const auto& each : load) CHECK(each.failure() == "");
    return served;
  };
  const auto mounted = [&](const simulator::identity& pair, const std::string& authorities) {
    tls.mount(pair, authorities);
    gateway.process().line_with("TLS certificate read again");
    return more_of_all();
  };
  const auto serial = [&] { return connection{gateway.api(), with_key.trust}.serial(); };

  REQUIRE(more_of_all());
  const auto first = serial();
  auto left_over = connection{gateway.api(), old_trust};
  CHECK(left_over.call("GET", "/v1/accounts/sandbox").status == 200);

  // The gateway's own certificate, of another authority.
  CHECK(mounted(new_server, clients.certificate_pem));
  const auto second = serial();
  CHECK(second != first);

  // The callers' authority: both, then the callers' certificates, then the new one alone.
  CHECK(mounted(new_server, clients.certificate_pem + new_clients.certificate_pem));
  CHECK(serial() == second);
  for (const std::size_t certified : {2U, 3U}) load[certified].become(with_new);
  CHECK(eventually([&] { return load[2].last_identity() == 1 && load[3].last_identity() == 1; }));
  CHECK(left_over.call("GET", "/v1/accounts/sandbox").status == 200);
  CHECK(mounted(new_server, new_clients.certificate_pem));

  // (A caller's key changes with the configuration. Its place is here: the new digest beside the old one, then
  // load[0] and load[1] become the new key's, then the old digest goes.)
  for (auto& each : load) {
    each.stop();
    CHECK(each.failure() == "");
  }
  // Who did not move is out, on a new connection as on the one that it had.
  CHECK_THROWS(connection(gateway.api(), old_trust).call("GET", "/v1/accounts/sandbox"));
  CHECK(left_over.call("GET", "/v1/accounts/sandbox").status == 401);
}
