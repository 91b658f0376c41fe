#include "foundation/transport/socket.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gateway::transport {

socket::socket(loop& owner, int descriptor) : ready_{owner.ready()}, descriptor_{descriptor} {
  const int one = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (!owner.watch(descriptor_, ready_)) error_ = errno;
}

socket::~socket() {
  ::close(descriptor_);
}

std::optional<boost::asio::ip::address> socket::peer_address() const {
  endpoint peer;
  auto size = static_cast<socklen_t>(peer.capacity());
  if (::getpeername(descriptor_, peer.data(), &size) != 0) return std::nullopt;
  return peer.address();
}

io_result socket::fail(int error) noexcept {
  error_ = error;
  return {io_status::failed, 0};
}

io_result socket::try_read(std::span<char> into) noexcept {
  if (error_ != 0) return {io_status::failed, 0};
  if (!ready_.has(readiness::readable)) return {io_status::want_read, 0};
  for (;;) {
    const auto got = ::recv(descriptor_, into.data(), into.size(), 0);
    if (got > 0) {
      const auto bytes = static_cast<std::size_t>(got);
      // A short read took everything there was, and the next byte makes a new edge. Unless the end was seen already:
      // data and FIN come as one edge, so the end must still be read.
      if (bytes < into.size() && !ready_.has(readiness::hung_up)) ready_.clear(readiness::readable);
      return {io_status::done, bytes};
    }
    if (got == 0) return {io_status::end, 0};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(errno);
    ready_.clear(readiness::readable);
    return {io_status::want_read, 0};
  }
}

io_result socket::try_write(std::span<const char> from) noexcept {
  if (error_ != 0) return {io_status::failed, 0};
  if (!ready_.has(readiness::writable)) return {io_status::want_write, 0};
  for (;;) {
    const auto put = ::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      const auto bytes = static_cast<std::size_t>(put);
      if (bytes < from.size()) ready_.clear(readiness::writable);
      return {io_status::done, bytes};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return fail(errno);
    ready_.clear(readiness::writable);
    return {io_status::want_write, 0};
  }
}

void socket::finish() noexcept {
  ::shutdown(descriptor_, SHUT_WR);
}

std::string socket::reason() const {
  return error_ == 0 ? std::string{} : std::system_category().message(error_);
}

int socket::connect_error() noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) error_ = error;
  return error;
}

task<std::expected<std::unique_ptr<channel>, std::string>> socket_connector::connect(endpoint where,
                                                                                     time::instant deadline) {
  const int descriptor = ::socket(where.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) co_return std::unexpected{std::system_category().message(errno)};
  const int result = ::connect(descriptor, where.data(), static_cast<socklen_t>(where.size()));
  const int error = result == 0 ? 0 : errno;
  auto connecting = std::make_unique<socket>(loop_, descriptor);
  if (error != 0 && error != EINPROGRESS) co_return std::unexpected{std::system_category().message(error)};
  if (error == EINPROGRESS) {
    watchdog guard{connecting->ready()};
    guard.set(loop_.deadlines(), deadline);
    const auto woken = co_await connecting->ready().wait(interest::write);
    if (woken != wake::ready) co_return std::unexpected{std::string{"timed out"}};
    if (const int failed = connecting->connect_error(); failed != 0)
      co_return std::unexpected{std::system_category().message(failed)};
  }
  co_return std::unique_ptr<channel>{std::move(connecting)};
}

}  // namespace gateway::transport
