#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>

#include "foundation/secrets/secret.hpp"
#include "foundation/time/clock.hpp"
#include "tls/context.hpp"

namespace gateway::tls {

struct server_options {
  std::string certificate_pem;  // the chain, leaf first
  secrets::secret private_key_pem;
  // Empty: nobody is asked for a certificate. Else everybody is, and what is shown must chain to one of these
  // authorities; who shows none comes in without one, unless `needs_client_certificate`.
  std::string client_ca_pem = {};
  bool needs_client_certificate = false;
  version min_version = version::tls_1_2;
};

// The server side: for the caller-facing listener and for tests. What a handshake uses is ONE SSL_CTX, shared by all
// loops and replaced as a whole: a connection keeps the one it began with. Any thread, after construction.
//
// Sessions are resumed by tickets alone, and tickets are readable only for the SSL_CTX that made them: with every
// reload they all become worthless, so nobody comes in on the word of an authority that is not trusted any more.
class server_context {
 public:
  static std::expected<std::shared_ptr<server_context>, std::string> make(const server_options& options);

  // A new connection with what is in force now.
  connection_ptr accept();

  // From now on new connections use this. Where it cannot be used (the error is for people) what was in force stays.
  std::expected<void, std::string> reload(const server_options& options);
  // Changes with every reload.
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

  // Until when the certificate in force is valid.
  time::wall_instant expiry() const;

  // Whether the client's certificate of that connection chains to an authority that is trusted now. Some 100 us.
  bool vouches_for(const SSL* connection) const;

 private:
  // SSL_CTX counts its own users, so a copy of the pointer is enough.
  struct prepared {
    context_ptr context;
    time::wall_instant expiry;
  };
  explicit server_context(prepared first) noexcept : in_force_{std::move(first)} {}
  static std::expected<prepared, std::string> prepare(const server_options& options);
  context_ptr context() const;

  mutable std::mutex mutex_;  // around a pointer; never held over a handshake
  prepared in_force_;
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace gateway::tls
