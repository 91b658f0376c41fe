#include "upstream/target.hpp"

#include "tls/stream.hpp"
#include "upstream/address_race.hpp"
#include "upstream/tunnel.hpp"

namespace gateway::upstream {
namespace {

// To the proxy where there is one, else to the server.
transport::task<opened> open_tcp(network net, const target& where, time::instant deadline) {
  const auto& host = where.proxy ? where.proxy->host : where.host;
  const auto port = where.proxy ? where.proxy->port : where.port;
  const std::string kind = where.proxy ? "proxy " : "";
  auto addresses = co_await net.resolver.resolve(host, port, deadline);
  if (!addresses) co_return std::unexpected{"cannot resolve " + kind + host + ": " + addresses.error()};
  auto connected = co_await connect_to_any(net, std::move(*addresses), deadline);
  if (!connected)
    co_return std::unexpected{"cannot connect to " + kind + place_of(host, port) + ": " + connected.error()};
  if (where.proxy) {
    auto through = co_await open_tunnel(net.loop, **connected, *where.proxy, where, deadline);
    if (!through) co_return std::unexpected{std::move(through.error())};
  }
  co_return std::move(connected);
}

}  // namespace

std::string place_of(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

transport::task<std::expected<connected, std::string>> connect(network net, const target& where, time::instant deadline,
                                                               tls::offered protocols) {
  auto channel = co_await open_tcp(net, where, deadline);
  if (!channel) co_return std::unexpected{std::move(channel.error())};
  if (!where.tls) co_return connected{.channel = std::move(*channel)};
  const auto failed = [&](const std::string& why) { return "TLS to " + place_of(where.host, where.port) + ": " + why; };
  auto secured = where.tls->connect(where.server_name, protocols);
  if (!secured) co_return std::unexpected{failed("the server name cannot be verified")};
  auto stream = std::make_unique<tls::stream>(std::move(*channel), std::move(secured));
  transport::watchdog guard{stream->ready()};
  guard.set(net.loop.deadlines(), deadline);
  auto shaken = co_await stream->handshake();
  if (!shaken) co_return std::unexpected{failed(shaken.error())};
  guard.stop();
  if (net.handshakes != nullptr) net.handshakes->shaken(stream->resumed());
  const bool http2 = stream->http2();
  co_return connected{.channel = std::move(stream), .http2 = http2};
}

transport::task<opened> open_connection(network net, const target& where, time::instant deadline) {
  auto made = co_await connect(net, where, deadline, tls::offered::http11);
  if (!made) co_return std::unexpected{std::move(made.error())};
  co_return std::move(made->channel);
}

}  // namespace gateway::upstream
