#include "chaos/cluster.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <stdexcept>

namespace gateway::chaos_tests {

using support::eventually;

namespace {

unsigned short port_in(std::string_view line, std::string_view listener) {
  constexpr std::string_view address = "127.0.0.1:";
  const auto at = line.find(address, line.find(listener));
  if (at == std::string_view::npos) throw std::runtime_error{"no address in " + std::string{line}};
  return static_cast<unsigned short>(std::stoul(std::string{line.substr(at + address.size())}));
}

}  // namespace

cluster::running::running(const std::string& configuration)
    : process{std::string{socket_tests::gateway_file}, {"--config", folder.write("gateway.yaml", configuration)}} {
  const auto ready = process.line_with("ready to serve");
  api = port_in(ready, "api");
  admin = port_in(ready, "admin");
  recorded.emplace(api);
}

cluster::cluster(std::string account)
    : redis{{.tcp = true, .arguments = {"--appendonly", "yes"}}}, account_{std::move(account)} {
  for (std::size_t i = 0; i < replicas; ++i) start(i);
  for (std::size_t i = 0; i < replicas; ++i) {
    REQUIRE(eventually([&] { return socket_tests::get(running_[i]->admin, "/readyz").status == 200; }));
    REQUIRE(eventually([&] { return metric(i, R"(onboarding_gateway_store_mode{mode="shared"})") == 1; }));
  }
}

std::string cluster::configuration() const {
  auto how = socket_tests::configuration::of(podero, folder_);
  how.account_more = account_;
  how.drain = "{ delay: 0ms, timeout: 5s }";

  how.more = "threads: 1\nshared_state: { store: redis, max_replicas: 4, redis: { url: \"redis://127.0.0.1:" +
             std::to_string(redis.port()) + "\", timeout: 200ms } }\n";
  return how.text();
}

void cluster::start(std::size_t replica) {
  running_[replica] = std::make_unique<running>(configuration());
  ports_[replica] = running_[replica]->api;
}

void cluster::replace(std::size_t replica) {
  ports_[replica] = 0;
  running_[replica]->process.signal(SIGKILL);
  CHECK(running_[replica]->process.end() == -SIGKILL);
  start(replica);
}

void cluster::end(std::size_t replica) {
  ports_[replica] = 0;
  auto& process = running_[replica]->process;
  process.signal(SIGTERM);
  CHECK(process.end() == 0);
  CHECK(process.errors() == "");
}

void cluster::renew(std::size_t replica) {
  end(replica);
  start(replica);
}

void cluster::stop() {
  for (std::size_t i = 0; i < replicas; ++i) end(i);
}

double cluster::metric(std::size_t replica, const std::string& series) const {
  return socket_tests::value_of(series, metrics(replica));
}

std::string cluster::metrics(std::size_t replica) const {
  return socket_tests::get(running_[replica]->admin, "/metrics").body;
}

}  // namespace gateway::chaos_tests
