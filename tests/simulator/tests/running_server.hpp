#pragma once

#include "simulator/server/server.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json.hpp>

#include <openssl/rand.h>

#include <memory>
#include <string>
#include <thread>

namespace simulator::testing {

namespace http = boost::beast::http;
using answer_message = http::response<http::string_body>;

// A simulator on ports of its own, on a thread of its own. Tests talk to it through sockets only.
class running_server {
 public:
  explicit running_server(settings wanted = {})
      : upstream_{std::move(wanted),
                  [](std::span<unsigned char> bytes) { RAND_bytes(bytes.data(), static_cast<int>(bytes.size())); },
                  [] { return moment{std::chrono::system_clock::now(), std::chrono::steady_clock::now()}; }},
        server_{upstream_, make_certificate(authority_)} {
    server_.open(loop_, {.port = 0, .control_port = 0});
    upstream_.options().public_url = "https://127.0.0.1:" + std::to_string(server_.port());
    thread_ = std::thread{[this] { loop_.run(); }};
  }
  ~running_server() {
    loop_.stop();
    thread_.join();
  }
  running_server(const running_server&) = delete;
  running_server& operator=(const running_server&) = delete;

  unsigned short port() const { return server_.port(); }
  unsigned short control_port() const { return server_.control_port(); }
  const std::string& authority() const { return authority_.certificate_pem; }

 private:
  identity authority_ = make_authority();
  podero upstream_;
  server server_;
  asio::io_context loop_{1};
  std::thread thread_;
};

// One blocking TLS connection of a client that verifies.
class tls_client {
 public:
  tls_client(const running_server& to, const std::string& trusted, const std::string& host = "127.0.0.1") {
    context_.set_verify_mode(asio::ssl::verify_peer);
    context_.add_certificate_authority(asio::buffer(trusted));
    stream_.emplace(loop_, context_);
    stream_->set_verify_callback(asio::ssl::host_name_verification{host});
    stream_->next_layer().connect({asio::ip::make_address("127.0.0.1"), to.port()});
    SSL_set_tlsext_host_name(stream_->native_handle(), "localhost");
  }
  explicit tls_client(const running_server& to) : tls_client{to, to.authority()} {
    stream_->handshake(asio::ssl::stream_base::client);
  }

  boost::system::error_code handshake() {
    boost::system::error_code error;
    stream_->handshake(asio::ssl::stream_base::client, error);
    return error;
  }

  void send(const std::string& bytes) { asio::write(*stream_, asio::buffer(bytes)); }

  answer_message receive() {
    boost::system::error_code error;
    auto answer = receive(error);
    if (error) throw boost::system::system_error{error};
    return answer;
  }

  answer_message receive(boost::system::error_code& error) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(64 * 1024 * 1024);
    http::read(*stream_, buffer_, parser, error);
    return parser.release();
  }

  answer_message call(const std::string& method, const std::string& target, const std::string& body = {},
                      const std::string& more_headers = {}) {
    send(head(method, target, body.size(), more_headers) + body);
    return receive();
  }

  static std::string head(const std::string& method, const std::string& target, std::size_t size,
                          const std::string& more_headers = {}) {
    return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + more_headers +
           "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  }

  // Everything up to the end of the connection, and how it ended.
  std::pair<std::string, boost::system::error_code> read_to_end() {
    std::string all{static_cast<const char*>(buffer_.data().data()), buffer_.size()};
    std::array<char, 16384> part{};
    while (true) {
      boost::system::error_code error;
      const auto size = stream_->read_some(asio::buffer(part), error);
      all.append(part.data(), size);
      if (error) return {std::move(all), error};
    }
  }

  std::string token() {
    const auto answer = call("POST", "/oauth2/token/", R"({"grant_type": "client_credentials"})",
                             "Authorization: Basic ZXhhbXBsZS1jbGllbnQtaWQ6ZXhhbXBsZS1zZWNyZXQtbm90LXJlYWw=\r\n"
                             "Content-Type: application/json\r\n");
    return std::string{boost::json::parse(answer.body()).at("access_token").as_string()};
  }

  asio::ssl::stream<asio::ip::tcp::socket>& stream() { return *stream_; }

 private:
  asio::io_context loop_;
  asio::ssl::context context_{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<asio::ip::tcp::socket>> stream_;
  boost::beast::flat_buffer buffer_;
};

// One request to the control endpoint.
inline boost::json::value order(const running_server& to, const std::string& method, const std::string& target,
                                const std::string& body = {}) {
  asio::io_context loop;
  asio::ip::tcp::socket socket{loop};
  socket.connect({asio::ip::make_address("127.0.0.1"), to.control_port()});
  asio::write(socket, asio::buffer(tls_client::head(method, target, body.size(), "Connection: close\r\n") + body));
  boost::beast::flat_buffer buffer;
  answer_message answer;
  http::read(socket, buffer, answer);
  return boost::json::parse(answer.body());
}

inline const std::string creation =
    R"({"language":"de","price_zone_default":"AT","is_smart_optimization_active_default":true,)"
    R"("success_url":"https://my-customerportal.com/success","cancel_url":"https://my-customerportal.com/error",)"
    R"("user_id":"a169451c-8525-4352-b8ca-070dd449a1a5"})";

inline const std::string creation_path = "/api/partners/v2.0/device-onboarding";

}  // namespace simulator::testing
