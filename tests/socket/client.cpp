#include "socket/client.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "support/program.hpp"
#include "support/recording.hpp"
#include "support/serial.hpp"

namespace gateway::socket_tests {
namespace {

namespace http = boost::beast::http;

int dial(unsigned short port) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::system_error{errno, std::generic_category(), "socket"};
  const timeval limit{.tv_sec = support::patience.count(), .tv_usec = 0};
  ::setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int one = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0) return made;
  const int reason = errno;
  ::close(made);
  throw std::system_error{reason, std::generic_category(), "connect to port " + std::to_string(port)};
}

// How many gateways there are, or were a moment ago, at each port.
struct known_ports {
  std::mutex lock;
  std::multiset<unsigned short> all;

  static known_ports& of_gateways() {
    static known_ports known;
    return known;
  }
};

bool is_gateway(unsigned short port) {
  auto& known = known_ports::of_gateways();
  const std::lock_guard held{known.lock};
  return known.all.contains(port);
}

}  // namespace

recorded_port::recorded_port(unsigned short port) : port_{port} {
  auto& known = known_ports::of_gateways();
  const std::lock_guard held{known.lock};
  known.all.insert(port);
}

recorded_port::~recorded_port() {
  auto& known = known_ports::of_gateways();
  const std::lock_guard held{known.lock};
  known.all.erase(known.all.find(port_));
}

std::string answer::header(std::string_view name) const {
  std::istringstream lines{head};
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || !boost::beast::iequals({line.data(), colon}, name)) continue;
    const auto begin = line.find_first_not_of(' ', colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin, line.find_last_not_of("\r ") + 1 - begin);
  }
  return "";
}

boost::json::value answer::json() const {
  return boost::json::parse(body);
}

std::string text_in(const boost::json::value& object, std::string_view name) {
  const auto* found = object.as_object().if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

connection::connection(unsigned short port, const std::optional<trust>& tls)
    : socket_{dial(port)}, tap_{is_gateway(port) ? support::recording::begin() : nullptr} {
  if (!tls) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  const bool trusts = SSL_CTX_load_verify_file(context_.get(), tls->ca_file.c_str()) == 1;
  if (!tls->certificate_file.empty()) {
    SSL_CTX_use_certificate_chain_file(context_.get(), tls->certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), tls->private_key_file.c_str(), SSL_FILETYPE_PEM);
  }
  if (tls->version != 0) {
    SSL_CTX_set_security_level(context_.get(), 0);  // also for what is not safe any more
    SSL_CTX_set_min_proto_version(context_.get(), tls->version);
    SSL_CTX_set_max_proto_version(context_.get(), tls->version);
  }
  tls_.reset(SSL_new(context_.get()));
  if (tls->session != nullptr) SSL_set_session(tls_.get(), tls->session);
  SSL_set_fd(tls_.get(), socket_);
  SSL_set_tlsext_host_name(tls_.get(), tls->host.c_str());
  SSL_set1_host(tls_.get(), tls->host.c_str());
  if (trusts && SSL_connect(tls_.get()) == 1) return;
  ::close(socket_);
  throw std::runtime_error{"no TLS connection to port " + std::to_string(port)};
}

connection::connection(connection&& other) noexcept
    : socket_{std::exchange(other.socket_, -1)},
      context_{std::move(other.context_)},
      tls_{std::move(other.tls_)},
      unread_{std::move(other.unread_)},
      tap_{std::move(other.tap_)} {}

connection::~connection() {
  tls_.reset();
  if (socket_ >= 0) ::close(socket_);
}

std::string connection::serial() const {
  return support::serial_of(SSL_get0_peer_certificate(tls_.get()));
}

void connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error{"the peer takes no bytes"};
    if (tap_) tap_->sent(bytes.substr(0, static_cast<std::size_t>(sent)));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t connection::read_some(char* into, std::size_t size) {
  if (tls_) {
    const int got = SSL_read(tls_.get(), into, static_cast<int>(size));
    if (got > 0 && tap_) tap_->got({into, static_cast<std::size_t>(got)});
    if (got > 0) return static_cast<std::size_t>(got);
    if (SSL_get_error(tls_.get(), got) == SSL_ERROR_ZERO_RETURN) return 0;
    throw std::runtime_error{"the TLS connection was cut, or nothing came in time"};
  }
  const auto got = ::recv(socket_, into, size, 0);
  if (got < 0) throw std::system_error{errno, std::generic_category(), "nothing came"};
  if (tap_) tap_->got({into, static_cast<std::size_t>(got)});
  return static_cast<std::size_t>(got);
}

answer connection::receive() {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  std::array<char, 16384> part{};
  for (;;) {
    boost::system::error_code error;
    if (!unread_.empty()) unread_.erase(0, parser.put(boost::asio::buffer(unread_), error));
    if (error && error != http::error::need_more) throw boost::system::system_error{error};
    if (parser.is_done()) break;
    const auto size = read_some(part.data(), part.size());
    if (size == 0) {
      if (parser.got_some()) parser.put_eof(error);
      if (error || !parser.is_done()) throw std::runtime_error{"the connection ended before a whole answer"};
      break;
    }
    unread_.append(part.data(), size);
  }
  answer got;
  got.keep_alive = parser.keep_alive();
  auto message = parser.release();
  got.status = message.result_int();
  for (const auto& field : message)
    got.head += std::string{field.name_string()} + ": " + std::string{field.value()} + "\n";
  got.body = std::move(message.body());
  return got;
}

bool connection::ends() {
  char one = 0;
  try {
    return unread_.empty() && read_some(&one, 1) == 0;
  } catch (const std::system_error& error) {
    return error.code() == std::errc::connection_reset;
  } catch (const std::runtime_error&) {
    return true;  // TLS without a farewell
  }
}

std::string connection::request(std::string_view method, std::string_view target, std::string_view body,
                                std::string_view headers) {
  std::string out{method};
  out += ' ';
  out += target;
  out += " HTTP/1.1\r\nHost: localhost\r\n";
  out += headers;
  if (!body.empty() || method == "POST") out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  out += "\r\n";
  out += body;
  return out;
}

answer connection::call(std::string_view method, std::string_view target, std::string_view body,
                        std::string_view headers) {
  send(request(method, target, body, headers));
  return receive();
}

answer get(unsigned short port, std::string_view target) {
  return connection{port}.call("GET", target);
}

bool is_open(unsigned short port) {
  try {
    const connection tried{port};
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

}  // namespace gateway::socket_tests
