#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/secrets/secret.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/socket.hpp"
#include "tls/context.hpp"
#include "upstream/attempt.hpp"

namespace gateway::upstream {

// A way out of the network that is taken where the server cannot be reached directly; spoken to in plain HTTP.
struct proxy {
  std::string host;
  std::uint16_t port = 3128;
  secrets::secret credentials{};  // "user:password" (RFC 7617); empty: none are sent
};

// A server to which connections are opened.
struct target {
  std::string host;  // as in the URL: what Host, SNI and the certificate are about
  std::uint16_t port = 443;
  std::string server_name;                   // what the certificate must be for; usually `host`
  std::shared_ptr<tls::client_context> tls;  // null: spoken to in plain HTTP, which no account can ask for
  std::optional<upstream::proxy> proxy{};    // which looks up `host` itself
  // So many exchanges at once on one connection, where the server speaks HTTP/2; 0: it is not asked to.
  std::size_t http2_streams = 0;
};

// "podero.test:443"; an IPv6 address in brackets.
std::string place_of(const std::string& host, std::uint16_t port);

// Where a name leads. Implementations answer from what they know and look up in the background.
class resolver {
 public:
  virtual ~resolver() = default;
  // At least one address, or why there is none (for people). Waits only where nothing is known yet.
  virtual transport::task<std::expected<std::vector<transport::endpoint>, std::string>> resolve(
      const std::string& host, std::uint16_t port, time::instant deadline) = 0;
};

// Hears of every TLS handshake that went well.
class handshake_observer {
 public:
  // `resumed`: with the ticket of an earlier one, without certificates.
  virtual void shaken(bool resumed) noexcept = 0;

 protected:
  ~handshake_observer() = default;
};

// What a loop needs to open connections. Everything outlives the pools that use it.
struct network {
  transport::loop& loop;
  transport::connector& connector;
  upstream::resolver& resolver;
  // From one address tried to the next (RFC 8305's Connection Attempt Delay).
  time::duration attempt_delay = std::chrono::milliseconds{250};
  handshake_observer* handshakes = nullptr;
};

// A connection, and whether HTTP/2 is to be spoken on it: only where that was offered, and there is TLS.
struct connected {
  std::unique_ptr<transport::channel> channel;
  bool http2 = false;
};

// Opens a connection to `where`: name, TCP, the proxy's tunnel where there is one, TLS where there is any, within
// `deadline`. The error names the step that failed. `where` outlives the task.
transport::task<std::expected<connected, std::string>> connect(network net, const target& where, time::instant deadline,
                                                               tls::offered protocols);
// The same for a single exchange in HTTP/1.1.
transport::task<opened> open_connection(network net, const target& where, time::instant deadline);

}  // namespace gateway::upstream
