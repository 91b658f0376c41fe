#pragma once

#include <openssl/ssl.h>

#include <boost/json/value.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "support/tap.hpp"

namespace gateway::socket_tests {

struct answer {
  unsigned status = 0;
  std::string body;
  std::string head;  // its fields, a line each
  bool keep_alive = false;

  // "" where there is none.
  std::string header(std::string_view name) const;
  // Throws where the body is no JSON.
  boost::json::value json() const;
};

// A text member; "" where it is missing.
std::string text_in(const boost::json::value& object, std::string_view name);

// One connection of a client to 127.0.0.1, blocking, every wait bounded by support::patience. Failures are
// std::runtime_error.
class connection {
 public:
  struct trust {
    std::string ca_file;
    std::string host = "localhost";
    std::string certificate_file = {};  // what it shows of itself; empty: nothing
    std::string private_key_file = {};
    int version = 0;                 // the only one it speaks; 0: any that is safe
    SSL_SESSION* session = nullptr;  // to be resumed
  };
  explicit connection(unsigned short port, const std::optional<trust>& tls = std::nullopt);
  ~connection();
  connection(connection&& other) noexcept;
  connection& operator=(connection&&) = delete;

  // `headers`: whole lines, each with its CRLF. Content-Length is added where there is a body or the method is POST.
  answer call(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view headers = {});
  void send(std::string_view bytes);
  answer receive();
  // Waits for the peer's end of the connection; false: it says something, or time is over.
  bool ends();

  // Of the peer's certificate.
  std::string serial() const;
  bool resumed() const { return SSL_session_reused(tls_.get()) == 1; }
  // What another connection may resume; after something was received.
  using session_ptr = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;
  session_ptr session() const { return {SSL_get1_session(tls_.get()), &SSL_SESSION_free}; }

  static std::string request(std::string_view method, std::string_view target, std::string_view body,
                             std::string_view headers);

 private:
  std::size_t read_some(char* into, std::size_t size);  // 0: the end

  int socket_ = -1;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, &SSL_free};
  std::string unread_;
  std::unique_ptr<support::tap> tap_;
};

// What is said over connections to a gateway's API is kept (support::recording) as long as this lives.
class recorded_port {
 public:
  explicit recorded_port(unsigned short port);
  ~recorded_port();
  recorded_port(const recorded_port&) = delete;
  recorded_port& operator=(const recorded_port&) = delete;

 private:
  unsigned short port_;
};

// One request over a connection of its own.
answer get(unsigned short port, std::string_view target);

// Does anybody take connections there?
bool is_open(unsigned short port);

}  // namespace gateway::socket_tests
