#pragma once

#include "simulator/model/podero.hpp"
#include "simulator/server/asio_types.hpp"

#include <boost/asio/ssl/context.hpp>

#include <cstddef>
#include <memory>
#include <unordered_set>

namespace simulator {

// What stands behind a listener: the Podero, or its control endpoint.
class site {
 public:
  virtual ~site() = default;
  virtual connection_plan accept() = 0;
  virtual void handshake_done(bool /*succeeded*/, bool /*resumed*/) {}
  virtual exchange begin(std::string_view /*method*/, std::string_view /*target*/) { return {}; }
  virtual void abandon(const exchange& /*ex*/, std::uint64_t /*connection*/) {}
  virtual response finish(const exchange& ex, const request& req) = 0;
  virtual void malformed() {}
  virtual void closed() {}
  virtual moment now() const = 0;
};

class idle_closable {
 public:
  virtual ~idle_closable() = default;
  virtual bool close_if_idle(cut_kind how) = 0;
};

// The connections that a listener has; shared with them, since they may outlive it.
using connection_set = std::unordered_set<idle_closable*>;

// Serves one accepted connection to its end. Everything runs on the socket's executor; the site has to live as long.
void serve_plain(tcp_socket socket, site& behind, std::shared_ptr<connection_set> others);
void serve_tls(tcp_socket socket, asio::ssl::context& context, site& behind, std::shared_ptr<connection_set> others);

}  // namespace simulator
