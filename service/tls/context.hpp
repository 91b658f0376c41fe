#pragma once

#include <openssl/ssl.h>

#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace gateway::tls {

struct context_deleter {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
struct session_deleter {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
struct connection_deleter {
  void operator()(SSL* connection) const noexcept { SSL_free(connection); }
};
using context_ptr = std::unique_ptr<SSL_CTX, context_deleter>;
using session_ptr = std::unique_ptr<SSL_SESSION, session_deleter>;
using connection_ptr = std::unique_ptr<SSL, connection_deleter>;

enum class version : int { tls_1_2 = TLS1_2_VERSION, tls_1_3 = TLS1_3_VERSION };

// What a client offers to speak over a connection (ALPN, RFC 7301); what the server takes, `stream::http2` says.
enum class offered : std::uint8_t { http11, http2_or_http11 };

struct client_options {
  std::string ca_file{};  // PEM; empty: the system's store
  std::string ca_pem{};   // PEM text instead of a file; for tests
  version min_version = version::tls_1_2;
};

// What the client side of an account shares: ONE SSL_CTX (OpenSSL 3 collapses when every connection makes its own), the
// trusted roots, and the latest session tickets of each name. Certificates are always verified; there is no way to turn
// it off. Every connection takes its own SSL from it. Any thread, after construction.
class client_context {
 public:
  // The error names what is wrong with the roots.
  static std::expected<std::shared_ptr<client_context>, std::string> make(const client_options& options);

  // From now on by these: new connections shake hands in full, and are verified by the new roots. An error leaves it as
  // it was.
  std::expected<void, std::string> reload(const client_options& options);

  // A new connection to `server_name`, which is sent as SNI and must be in the certificate (RFC 6125; an IP address
  // is compared with the certificate's addresses). Resumes a session with that name where there is a ticket left.
  connection_ptr connect(const std::string& server_name, offered protocols = offered::http11);

 private:
  explicit client_context(context_ptr context) noexcept;
  static std::expected<context_ptr, std::string> prepare(const client_options& options);
  static int remember(SSL* connection, SSL_SESSION* session) noexcept;

  std::mutex mutex_;  // over the next two, never held over I/O
  context_ptr context_;
  std::unordered_map<std::string, std::vector<session_ptr>> sessions_;  // by name, oldest first
};

// The reason of the last OpenSSL failure of this thread, for people; empties the queue.
std::string last_error();

}  // namespace gateway::tls
