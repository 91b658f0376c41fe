#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "foundation/transport/loop.hpp"
#include "foundation/transport/socket.hpp"
#include "tls/context.hpp"

namespace gateway::upstream {

// A server to which connections are opened.
struct target {
  std::string host;  // as in the URL: what Host, SNI and the certificate are about
  std::uint16_t port = 443;
  std::string server_name;  // what the certificate must be for; usually `host`
  std::shared_ptr<tls::client_context> tls;
};

// Where a name leads. Implementations answer from what they know and look up in the background.
class resolver {
 public:
  virtual ~resolver() = default;
  // At least one address, or why there is none (for people). Waits only where nothing is known yet.
  virtual transport::task<std::expected<std::vector<transport::endpoint>, std::string>> resolve(
      const std::string& host, std::uint16_t port, time::instant deadline) = 0;
};

// What a loop needs to open connections. Everything outlives the pools that use it.
struct network {
  transport::loop& loop;
  transport::connector& connector;
  upstream::resolver& resolver;
};

// Opens a connection to `where`: name, TCP, TLS, within `deadline`. The error names the step that failed.
transport::task<std::expected<std::unique_ptr<transport::channel>, std::string>> open_connection(
    network net, const target& where, time::instant deadline);

}  // namespace gateway::upstream
