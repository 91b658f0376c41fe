#include "store/redis/place.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "store/redis/handshake.hpp"
#include "tls/stream.hpp"

namespace gateway::store::redis {
namespace {

using transport::task;
using channel_ptr = std::unique_ptr<transport::channel>;
using reached = std::expected<channel_ptr, std::string>;

reached connect_unix(transport::loop& loop, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::unexpected{std::string{"the path is too long"}};
  std::ranges::copy(path, std::begin(address.sun_path));
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::unexpected{std::system_category().message(errno)};
  // At once, either way: a Unix socket whose backlog is full says EAGAIN.
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    ::close(descriptor);
    return std::unexpected{std::system_category().message(error)};
  }
  return std::make_unique<transport::socket>(loop, descriptor);
}

// One address after the other; each has an equal part of the time that is left, so that a silent one does not use up
// that of the next.
task<reached> connect_tcp(const network& net, const place& where, time::instant deadline) {
  auto lookup = net.resolve(where.host, where.port, deadline);
  const auto addresses = co_await std::move(lookup);
  if (!addresses) co_return std::unexpected{"cannot resolve " + where.host + ": " + addresses.error()};
  std::string why = "the name has no address";
  for (std::size_t i = 0; i < addresses->size() && net.loop.now() < deadline; ++i) {
    const auto left = deadline - net.loop.now();
    const auto until = net.loop.now() + left / static_cast<time::duration::rep>(addresses->size() - i);
    auto connected = co_await net.connector.connect((*addresses)[i], until);
    if (connected) co_return std::move(connected);
    why = std::move(connected.error());
  }
  co_return std::unexpected{std::move(why)};
}

task<reached> connect(const network& net, const place& where, time::instant deadline) {
  if (!where.unix_path.empty()) co_return connect_unix(net.loop, where.unix_path);
  auto connected = co_await connect_tcp(net, where, deadline);
  co_return std::move(connected);
}

task<reached> secure(transport::loop& loop, channel_ptr below, const place& where, time::instant deadline) {
  auto state = where.tls->connect(where.server_name.empty() ? where.host : where.server_name);
  if (!state) co_return std::unexpected{std::string{"the server name cannot be verified"}};
  auto stream = std::make_unique<tls::stream>(std::move(below), std::move(state));
  transport::watchdog guard{stream->ready()};
  guard.set(loop.deadlines(), deadline);
  auto shaken = co_await stream->handshake();
  if (!shaken) co_return std::unexpected{"TLS: " + shaken.error()};
  guard.stop();
  co_return channel_ptr{std::move(stream)};
}

}  // namespace

std::string name_of(const place& where) {
  if (!where.unix_path.empty()) return where.unix_path;
  const bool v6 = where.host.contains(':');
  return (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

task<std::expected<opened, std::string>> open(const network& net, const place& where, const identity& as,
                                              connection_options options, time::instant deadline) {
  auto who = as.credentials ? as.credentials() : redis::credentials{};
  if (!who) co_return std::unexpected{std::move(who.error())};
  auto bytes = co_await connect(net, where, deadline);
  if (bytes && where.tls) bytes = co_await secure(net.loop, std::move(*bytes), where, deadline);
  if (!bytes) co_return std::unexpected{name_of(where) + ": " + bytes.error()};

  opened made{.connection = std::make_unique<redis::connection>(net.loop, std::move(*bytes), options), .facts = {}};
  handshake greeting{*who, as.database, as.client_name};
  const auto answers = co_await made.connection->ask_all(greeting.take_commands(), deadline);
  auto facts = greeting.judge(answers);
  if (!facts) co_return std::unexpected{name_of(where) + ": " + facts.error()};
  made.facts = std::move(*facts);
  co_return std::move(made);
}

}  // namespace gateway::store::redis
