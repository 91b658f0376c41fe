#include "foundation/transport/acceptor.hpp"

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>

#include <cerrno>

#include "foundation/transport/socket.hpp"

namespace gateway::transport {

using boost::asio::ip::tcp;

namespace {

constexpr int backlog = 4096;
constexpr int accepted_per_turn = 64;  // then the others of the loop have their turn
// Of a connection's unread answers the kernel would otherwise keep megabytes, and no byte for anybody once thousands do
// not read. Connections have it from the listening socket; the kernel doubles it.
constexpr int send_buffer = 32 * 1024;
constexpr auto rest_when_exhausted = std::chrono::milliseconds{100};

template <class Socket>
boost::system::error_code claim(Socket& socket, const tcp::endpoint& where, bool shared) {
  boost::system::error_code error;
  socket.open(where.protocol(), error);
  if (!error) socket.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error && shared) {
    const int one = 1;
    if (::setsockopt(socket.native_handle(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0)
      error.assign(errno, boost::system::system_category());
  }
  if (!error && where.address().is_v6()) socket.set_option(boost::asio::ip::v6_only{false}, error);
  if (!error) socket.bind(where, error);
  return error;
}

std::string cannot_listen(const tcp::endpoint& where, const boost::system::error_code& error) {
  const auto address = where.address().to_string();
  const auto host = where.address().is_v6() ? "[" + address + "]" : address;
  auto reason = error.message();
  if (error == boost::asio::error::address_in_use) reason = "the port is in use";
  return "cannot listen on " + host + ":" + std::to_string(where.port()) + ": " + reason;
}

}  // namespace

// Out of descriptors: the listening socket stays readable, so waiting for it would only spin.
class acceptor::rest final : public time::deadline {
 public:
  explicit rest(acceptor& owner) noexcept : owner_{owner} {}

 private:
  void expired() override { owner_.wait(); }
  acceptor& owner_;
};

acceptor::acceptor(loop& on, handler gives)
    : loop_{on}, socket_{on.context().get_executor()}, gives_{std::move(gives)}, rest_{std::make_unique<rest>(*this)} {}

acceptor::~acceptor() = default;

std::expected<std::unique_ptr<acceptor>, std::string> acceptor::open(loop& on, tcp::endpoint where, bool shared,
                                                                     handler gives) {
  std::unique_ptr<acceptor> made{new acceptor{on, std::move(gives)}};
  auto error = claim(made->socket_, where, shared);
  if (!error) made->socket_.set_option(tcp::acceptor::send_buffer_size{send_buffer}, error);
  if (!error) made->socket_.listen(backlog, error);
  if (!error) made->socket_.non_blocking(true, error);
  if (error) return std::unexpected{cannot_listen(where, error)};
  return made;
}

std::expected<tcp::endpoint, std::string> acceptor::probe(tcp::endpoint where) {
  boost::asio::io_context unused;
  tcp::acceptor socket{unused};
  auto error = claim(socket, where, false);
  // Only listening shows a port that another socket listens on with SO_REUSEADDR.
  if (!error) socket.listen(1, error);
  if (error) return std::unexpected{cannot_listen(where, error)};
  return socket.local_endpoint();
}

void acceptor::start() {
  wait();
}

void acceptor::pause() noexcept {
  paused_ = true;
  boost::system::error_code ignored;
  if (socket_.is_open()) socket_.cancel(ignored);
  rest_->disarm();
}

void acceptor::finish() {
  pause();
  for (;;) {
    const int descriptor = ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0)
      gives_(std::make_unique<socket>(loop_, descriptor));
    else if (errno != EINTR && errno != ECONNABORTED)
      break;
  }
  close();
  loop_.finish_turn();
}

void acceptor::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
  rest_->disarm();
}

tcp::endpoint acceptor::local_endpoint() const {
  return socket_.local_endpoint();
}

void acceptor::wait() {
  if (!socket_.is_open() || paused_) return;
  socket_.async_wait(socket_type::wait_read, [this](const boost::system::error_code& error) {
    if (error || paused_) return;  // closed
    loop_.begin_turn();
    accept_some();
    loop_.finish_turn();
  });
}

void acceptor::accept_some() {
  for (int i = 0; i < accepted_per_turn; ++i) {
    const int descriptor = ::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      gives_(std::make_unique<socket>(loop_, descriptor));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      rest_->arm(loop_.deadlines(), loop_.now() + rest_when_exhausted);
      return;
    }
    break;
  }
  wait();
}

}  // namespace gateway::transport
