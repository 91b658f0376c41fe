#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/secrets/secret.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/socket.hpp"
#include "store/redis/connection.hpp"
#include "store/redis/server_facts.hpp"
#include "tls/context.hpp"

namespace gateway::store::redis {

// Where the server is.
struct place {
  std::string host{};  // a name or an address
  std::uint16_t port = 6379;
  std::string unix_path{};                     // a Unix socket instead, where it is not empty
  std::shared_ptr<tls::client_context> tls{};  // null: in the clear
  std::string server_name{};                   // what its certificate must be for; empty: `host`
};

// "redis.test:6379", or the path.
std::string name_of(const place& where);

struct credentials {
  std::string user{};          // of the server's ACL; empty: its default user
  secrets::secret password{};  // empty: no AUTH is sent
};

// Who we are there.
struct identity {
  // Asked for every connection anew, so that a rotated password is picked up. The error is for people. Null: no AUTH.
  std::function<std::expected<redis::credentials, std::string>()> credentials{};
  unsigned database = 0;
  std::string client_name{};  // for CLIENT LIST, without spaces; empty: none
};

using addresses = std::expected<std::vector<transport::endpoint>, std::string>;

// Where a host name leads. Never blocks the loop; ends by `deadline`.
using resolver =
    std::function<transport::task<addresses>(std::string host, std::uint16_t port, time::instant deadline)>;

// What is needed to open connections; all of it outlives them.
struct network {
  transport::loop& loop;
  transport::connector& connector;
  resolver resolve;
};

// A connection that is ready for commands.
struct opened {
  std::unique_ptr<redis::connection> connection;
  server_facts facts;
};

// Opens one: name, TCP (address after address) or Unix socket, TLS, and the handshake of commands, within `deadline`.
// The error names the step and holds no secret. What is given outlives the task.
transport::task<std::expected<opened, std::string>> open(const network& net, const place& where, const identity& as,
                                                         connection_options options, time::instant deadline);

}  // namespace gateway::store::redis
