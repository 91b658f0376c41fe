#include "socket/started.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <fstream>
#include <iterator>
#include <sstream>

namespace gateway::socket_tests {
namespace {

using support::eventually;

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> simulator_arguments(const support::scratch_folder& folder, std::vector<std::string> more) {
  std::vector<std::string> all{"--port",      "0",        "--control-port", "0", "--ports-file", folder.path("ports"),
                               "--host-name", "localhost"};
  const bool own_certificate = std::ranges::find(more, "--certificate") != more.end();
  if (!own_certificate) all.insert(all.end(), {"--ca-out", folder.path("ca.pem")});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// From the line about readiness, in either format: "api":"127.0.0.1:8080", api=127.0.0.1:8080.
unsigned short port_in(std::string_view line, std::string_view listener) {
  constexpr std::string_view address = "127.0.0.1:";
  const auto at = line.find(address, line.find(listener));
  if (at == std::string_view::npos) throw std::runtime_error{"no address in " + std::string{line}};
  return static_cast<unsigned short>(std::stoul(std::string{line.substr(at + address.size())}));
}

}  // namespace

running_simulator::running_simulator(std::vector<std::string> more)
    : process_{std::string{simulator_file}, simulator_arguments(folder_, std::move(more))} {
  std::string ports;
  const bool listens = eventually([&] {
    ports = read_file(folder_.path("ports"));
    return ports.ends_with('\n') || ports.ends_with('}') || !process_.running();
  });
  if (!listens || !process_.running())
    throw std::runtime_error{"podero-simulator did not start: " + process_.output() + process_.errors()};
  const auto known = boost::json::parse(ports);
  port_ = known.at("api").to_number<unsigned short>();
  control_port_ = known.at("control").to_number<unsigned short>();
}

std::string running_simulator::authority_pem() const {
  return read_file(ca_file());
}

boost::json::value running_simulator::order(std::string_view method, std::string_view target,
                                            std::string_view body) const {
  const auto got = connection{control_port_}.call(method, target, body);
  if (got.status >= 300) throw std::runtime_error{"the simulator's control endpoint refuses: " + got.body};
  return got.json();
}

std::int64_t running_simulator::counter(std::string_view name) const {
  return order("GET", "/counters").at(name).to_number<std::int64_t>();
}

configuration configuration::of(const running_simulator& upstream, const support::scratch_folder& folder) {
  return {.base_url = upstream.origin() + "/api/partners/v2.0",
          .ca_file = upstream.ca_file(),
          .secret_file = folder.write("client-secret", std::string{client_secret} + "\n")};
}

std::string configuration::text() const {
  std::string out = "listeners:\n  api: " + api + "\n  admin: " + admin + "\n";
  out += "accounts:\n  sandbox:\n    base_url: " + base_url + "\n    token:\n";
  if (!token_url.empty()) out += "      url: " + token_url + "\n";
  out += "      client_id: " + std::string{client_id} + "\n      client_secret_file: " + secret_file + "\n";
  if (!ca_file.empty()) out += "    tls: { ca_file: " + ca_file + " }\n";
  out += "    timeouts: " + timeouts + "\n" + account_more;
  return out + "drain: " + drain + "\nlog: " + log + "\n" + more;
}

namespace {

// What env(1) is given: the gateway takes the place of env, and its process id.
std::vector<std::string> words(const configuration& how, const std::string& file) {
  auto all = how.environment;
  all.insert(all.end(), {std::string{gateway_file}, "--config", file});
  return all;
}

}  // namespace

running_gateway::running_gateway(const configuration& how, support::streams standard)
    : process_{"/usr/bin/env", words(how, folder_.write("gateway.yaml", how.text())), standard} {
  const auto ready = process_.line_with("ready to serve");
  api_ = port_in(ready, "api");
  admin_ = port_in(ready, "admin");
  process_.rewind();  // the loops run before that line, and what they say may stand before it
  recorded_.emplace(api_);
  if (!how.wait_until_ready) return;
  if (!eventually([this] { return get(admin_, "/readyz").status == 200; }))
    throw std::runtime_error{"the gateway is not ready: " + get(admin_, "/readyz?verbose").body};
}

running_gateway::~running_gateway() {
  try {
    if (process_.running()) process_.signal(SIGTERM);
    const int code = process_.end();
    CHECK(code == 0);
    CHECK(process_.errors() == "");
    for (const auto secret : {client_secret, std::string_view{"Basic "}, std::string_view{"ogw_"}})
      CHECK_MESSAGE(!process_.output().contains(secret), "the log shows a secret");
  } catch (const std::exception& failure) {
    FAIL_CHECK(failure.what());
  }
}

double value_of(const std::string& series, const std::string& page) {
  std::istringstream lines{page};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(series + ' ')) return std::stod(line.substr(series.size() + 1));
  return 0;
}

double running_gateway::metric(const std::string& series) const {
  return value_of(series, get(admin_, "/metrics").body);
}

namespace {

configuration adapted(configuration made, const std::function<void(configuration&)>& adapt) {
  if (adapt) adapt(made);
  return made;
}

}  // namespace

both_programs::both_programs(const std::function<void(configuration&)>& adapt, std::vector<std::string> more)
    : podero{std::move(more)}, gateway{adapted(configuration::of(podero, folder), adapt)} {}

caller_key make_caller_key(const std::string& name) {
  const auto made = support::run(std::string{gateway_file}, {"key", "new", name});
  if (made.code != 0) throw std::runtime_error{"key new " + name + ": " + made.errors};
  const auto begin = made.output.find("ogw_");
  const auto lines = made.output.find("callers:\n");
  if (begin == std::string::npos || lines == std::string::npos) throw std::runtime_error{"no key: " + made.output};
  return {made.output.substr(begin, made.output.find('\n', begin) - begin),
          made.output.substr(lines, made.output.find(" ]\n", lines) + 3 - lines)};
}

answer create(connection& over, std::string_view more_headers) {
  auto got = over.call("POST", sessions_path, example_request, std::string{json_body} + std::string{more_headers});
  INFO(got.body);
  REQUIRE(got.status == 201);
  return got;
}

}  // namespace gateway::socket_tests
