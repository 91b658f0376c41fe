#include "upstream/target.hpp"

#include "tls/stream.hpp"

namespace gateway::upstream {
namespace {

using opened = std::expected<std::unique_ptr<transport::channel>, std::string>;

std::string place(const target& where) {
  return where.host + ":" + std::to_string(where.port);
}

transport::task<opened> open_tcp(network net, const target& where, time::instant deadline) {
  auto addresses = co_await net.resolver.resolve(where.host, where.port, deadline);
  if (!addresses) co_return std::unexpected{"cannot resolve " + where.host + ": " + addresses.error()};
  std::string reason = "no address";
  for (const auto& address : *addresses) {
    auto connected = co_await net.connector.connect(address, deadline);
    if (connected) co_return std::move(*connected);
    reason = connected.error();
    if (net.loop.now() >= deadline) break;
  }
  co_return std::unexpected{"cannot connect to " + place(where) + ": " + reason};
}

}  // namespace

transport::task<opened> open_connection(network net, const target& where, time::instant deadline) {
  auto connected = co_await open_tcp(net, where, deadline);
  if (!connected) co_return std::move(connected);
  auto secured = where.tls->connect(where.server_name);
  if (!secured) co_return std::unexpected{"TLS to " + place(where) + ": the server name cannot be verified"};
  auto stream = std::make_unique<tls::stream>(std::move(*connected), std::move(secured));
  transport::watchdog guard{stream->ready()};
  guard.set(net.loop.deadlines(), deadline);
  auto shaken = co_await stream->handshake();
  if (!shaken) co_return std::unexpected{"TLS to " + place(where) + ": " + shaken.error()};
  guard.stop();
  co_return std::unique_ptr<transport::channel>{std::move(stream)};
}

}  // namespace gateway::upstream
