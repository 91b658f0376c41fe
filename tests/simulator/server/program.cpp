#include "simulator/server/program.hpp"

#include <boost/asio/signal_set.hpp>

#include <openssl/rand.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace simulator {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"cannot read " + path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// Whoever waits for the file never sees half of it.
void write_file(const std::string& path, std::string_view text) {
  const auto temporary = path + "." + std::to_string(::getpid()) + ".new";
  {
    std::ofstream file{temporary, std::ios::binary | std::ios::trunc};
    file << text;
    file.close();
    if (!file) throw std::runtime_error{"cannot write " + temporary};
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::remove(temporary.c_str());
    throw std::runtime_error{"cannot write " + path};
  }
}

void fill_with_randomness(std::span<unsigned char> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::runtime_error{"no randomness"};
}

// The certificate to serve, and what clients have to trust where it is made here.
struct served_identity {
  identity certificate;
  std::string authority_pem;
};

served_identity obtain_certificate(const options& given) {
  if (!given.certificate_file.empty()) return {{read_file(given.certificate_file), read_file(given.key_file)}, {}};
  const auto authority = make_authority();
  leaf_wishes wishes;
  wishes.host_names.insert(wishes.host_names.end(), given.host_names.begin(), given.host_names.end());
  return {make_certificate(authority, wishes), authority.certificate_pem};
}

void announce(const options& given, const server& running, const podero& upstream) {
  const auto control = "http://" + given.where.control_address + ":" + std::to_string(running.control_port());
  std::cout << "API base:       " << upstream.options().public_url << "/api/partners/v2.0/\n"
            << "token endpoint: " << upstream.options().public_url << "/oauth2/token/\n"
            << "listening on:   " << given.where.address << " port " << running.port() << " (TLS)\n"
            << "control:        " << control << "/\n"
            << std::flush;
  if (!given.ports_file.empty())
    write_file(given.ports_file, "{\"api\":" + std::to_string(running.port()) +
                                     ",\"control\":" + std::to_string(running.control_port()) + "}\n");
}

void run_until_signal(const options& given) {
  podero upstream{given.model, fill_with_randomness,
                  [] { return moment{std::chrono::system_clock::now(), std::chrono::steady_clock::now()}; }};
  const auto served = obtain_certificate(given);
  server running{upstream, served.certificate};
  asio::io_context loop{1};
  asio::signal_set signals{loop, SIGTERM, SIGINT};
  signals.async_wait([&loop](boost::system::error_code, int) { loop.stop(); });
  running.open(loop, given.where);
  if (!given.public_url_given) upstream.options().public_url = own_url(given, running.port());
  // Not before the ports are ours: another simulator's file must not be overwritten by one that cannot start.
  if (!given.ca_out.empty()) write_file(given.ca_out, served.authority_pem);
  announce(given, running, upstream);
  loop.run();
}

}  // namespace

int run(const options& given) {
  try {
    run_until_signal(given);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "podero-simulator: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace simulator
