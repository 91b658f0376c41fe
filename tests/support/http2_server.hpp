#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/transport/loop.hpp"
#include "foundation/transport/memory.hpp"
#include "support/certificates.hpp"
#include "support/http2_peer.hpp"
#include "tls/stream.hpp"

namespace gateway::support {

// The other end of a connection in memory: TLS, and by what the client offers HTTP/2 or nothing that anybody listens
// to.
class http2_server {
 public:
  // `protocol`: what is taken of what is offered; empty: offers are not looked at. It outlives the server.
  http2_server(transport::loop& on, tls::server_context& with, const std::string& protocol,
               std::unique_ptr<transport::memory_channel> wire)
      : wire_{wire.get()} {
    auto connection = with.accept();
    SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(connection.get()), &take, const_cast<std::string*>(&protocol));
    stream_ = std::make_unique<tls::stream>(std::move(wire), std::move(connection));
    on.spawn(shake(*this));
  }

  bool greets = true;
  std::optional<http2_peer> peer;  // where it is spoken

  void give_up() { wire_->ready().interrupt(transport::wake::cancelled); }
  void cut() { wire_->reset(); }

 private:
  static transport::task<> shake(http2_server& self) {
    const auto done = co_await self.stream_->handshake();
    if (!done || !self.stream_->http2()) co_return;
    self.peer.emplace(std::move(self.stream_));
    if (self.greets) self.peer->greet();
  }
  static int take(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                  unsigned offered_size, void* wanted) {
    const auto& name = *static_cast<const std::string*>(wanted);
    const std::string_view all{reinterpret_cast<const char*>(offered), offered_size};
    const auto at = all.find(static_cast<char>(name.size()) + name);
    if (name.empty() || at == std::string_view::npos) return SSL_TLSEXT_ERR_NOACK;
    *chosen = offered + at + 1;
    *size = static_cast<unsigned char>(name.size());
    return SSL_TLSEXT_ERR_OK;
  }

  transport::memory_channel* wire_;
  std::unique_ptr<tls::stream> stream_;
};

}  // namespace gateway::support
