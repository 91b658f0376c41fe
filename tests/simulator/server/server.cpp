#include "simulator/server/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <openssl/ssl.h>

#include <stdexcept>
#include <vector>

namespace simulator {
namespace {

using namespace std::chrono_literals;

// As ALPN has them: each after its length, the one preferred first.
constexpr std::string_view one_protocol{"\x08http/1.1"};
constexpr std::string_view both_protocols{"\x02h2\x08http/1.1"};

// The first of ours that the client offers; a client that offers only others is refused (RFC 7301 section 3.2).
int choose_protocol(SSL* /*connection*/, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void* argument) {
  const auto& ours = *static_cast<const std::string_view*>(argument);
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned int>(ours.size()), offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

asio::ssl::context make_context(const identity& certificate, bool http2) {
  asio::ssl::context context{asio::ssl::context::tls_server};
  context.use_certificate_chain(asio::buffer(certificate.certificate_pem));
  context.use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_alpn_select_cb(context.native_handle(), &choose_protocol,
                             const_cast<std::string_view*>(http2 ? &both_protocols : &one_protocol));
  return context;
}

std::shared_ptr<tcp_acceptor> listen(asio::io_context& loop, const std::string& address, unsigned short port) {
  boost::system::error_code error;
  const auto where = asio::ip::make_address(address, error);
  if (error) throw std::runtime_error{"\"" + address + "\" is not an IP address"};
  const asio::ip::tcp::endpoint endpoint{where, port};
  auto acceptor = std::make_shared<tcp_acceptor>(loop.get_executor());
  acceptor->open(endpoint.protocol());
  acceptor->set_option(asio::socket_base::reuse_address{true});
  acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
  if (error)
    throw std::runtime_error{"cannot listen on " + address + " port " + std::to_string(port) + ": " + error.message()};
  return acceptor;
}

// Out of file descriptors, most likely: wait for some to become free instead of spinning.
task<> take_breath(io_executor executor) {
  timer pause{executor};
  pause.expires_after(50ms);
  co_await pause.async_wait(as_result);
}

}  // namespace

class server::api_site final : public site {
 public:
  explicit api_site(podero& upstream) : podero_{&upstream} {}
  connection_plan accept() override { return podero_->accept(); }
  void handshake_done(bool succeeded, bool resumed) override {
    auto& counted = podero_->log().connections();
    ++(succeeded ? counted.tls_handshakes : counted.tls_failed);
    if (resumed) ++counted.tls_resumed;
  }
  exchange begin(std::string_view method, std::string_view target) override { return podero_->begin(method, target); }
  void abandon(const exchange& ex, std::uint64_t connection) override { podero_->abandon(ex, connection); }
  response finish(const exchange& ex, const request& req) override { return podero_->finish(ex, req); }
  void malformed() override { podero_->log().count_malformed(); }
  void closed() override { podero_->connection_closed(); }
  moment now() const override { return podero_->now(); }

 private:
  podero* podero_;
};

class server::control_site final : public site {
 public:
  control_site(podero& upstream, control& behind) : podero_{&upstream}, control_{&behind} {}
  connection_plan accept() override { return {}; }
  response finish(const exchange& /*ex*/, const request& req) override {
    auto answer = control_->handle(req);
    answer.body += '\n';  // people read it in a terminal
    return answer;
  }
  moment now() const override { return podero_->now(); }

 private:
  podero* podero_;
  control* control_;
};

server::server(podero& upstream, const identity& certificate)
    : control_{upstream},
      api_site_{std::make_unique<api_site>(upstream)},
      control_site_{std::make_unique<control_site>(upstream, control_)},
      context_{make_context(certificate, upstream.options().http2)} {
  control_.close_idle_connections = [connections = api_connections_](cut_kind how) {
    const std::vector<idle_closable*> now{connections->begin(), connections->end()};
    return static_cast<std::size_t>(std::ranges::count_if(now, [&](auto* c) { return c->close_if_idle(how); }));
  };
}

server::~server() = default;

void server::open(asio::io_context& loop, const endpoints& where) {
  auto api = listen(loop, where.address, where.port);
  auto plain = listen(loop, where.control_address, where.control_port);
  port_ = api->local_endpoint().port();
  control_port_ = plain->local_endpoint().port();
  asio::co_spawn(loop, accept_tls(std::move(api)), asio::detached);
  asio::co_spawn(loop, accept_plain(std::move(plain)), asio::detached);
}

task<> server::accept_tls(std::shared_ptr<tcp_acceptor> acceptor) {
  while (acceptor->is_open()) {
    tcp_socket socket{acceptor->get_executor()};
    const auto [error] = co_await acceptor->async_accept(socket, as_result);
    if (error) {
      co_await take_breath(acceptor->get_executor());
      continue;
    }
    boost::system::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
    serve_tls(std::move(socket), context_, *api_site_, api_connections_);
  }
}

task<> server::accept_plain(std::shared_ptr<tcp_acceptor> acceptor) {
  while (acceptor->is_open()) {
    tcp_socket socket{acceptor->get_executor()};
    const auto [error] = co_await acceptor->async_accept(socket, as_result);
    if (error) {
      co_await take_breath(acceptor->get_executor());
      continue;
    }
    serve_plain(std::move(socket), *control_site_, control_connections_);
  }
}

}  // namespace simulator
