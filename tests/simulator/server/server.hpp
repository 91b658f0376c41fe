#pragma once

#include "simulator/model/control.hpp"
#include "simulator/model/podero.hpp"
#include "simulator/server/asio_types.hpp"
#include "simulator/server/certificate.hpp"
#include "simulator/server/connection.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace simulator {

struct endpoints {
  std::string address = "127.0.0.1";
  unsigned short port = 9443;  // 0: any
  std::string control_address = "127.0.0.1";
  unsigned short control_port = 9191;
};

// Serves a Podero over TLS and its control endpoint over plain HTTP, on one event loop. Declare it BEFORE the
// io_context: connections that are still suspended when the loop is destroyed refer to it. Call open() once.
class server {
 public:
  server(podero& upstream, const identity& certificate);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Binds both ports and starts to accept. Throws std::runtime_error naming the address that cannot be had.
  void open(asio::io_context& loop, const endpoints& where);

  unsigned short port() const noexcept { return port_; }
  unsigned short control_port() const noexcept { return control_port_; }

 private:
  class api_site;
  class control_site;

  task<> accept_tls(std::shared_ptr<tcp_acceptor> acceptor);
  task<> accept_plain(std::shared_ptr<tcp_acceptor> acceptor);

  control control_;
  std::unique_ptr<api_site> api_site_;
  std::unique_ptr<control_site> control_site_;
  asio::ssl::context context_;
  std::shared_ptr<connection_set> api_connections_ = std::make_shared<connection_set>();
  std::shared_ptr<connection_set> control_connections_ = std::make_shared<connection_set>();
  unsigned short port_ = 0;
  unsigned short control_port_ = 0;
};

}  // namespace simulator
