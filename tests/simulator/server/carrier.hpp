#pragma once
// What connections of either version share: the one deadline, and every way to end.

#include "simulator/model/delivery.hpp"
#include "simulator/server/asio_types.hpp"

#include <boost/asio/ssl/stream.hpp>

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <array>
#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

namespace simulator {

using steady = std::chrono::steady_clock;
using tls_stream = asio::ssl::stream<tcp_socket>;

template <class Stream>
class carrier {
 public:
  carrier(const carrier&) = delete;
  carrier& operator=(const carrier&) = delete;

 protected:
  static constexpr std::chrono::seconds request_allowance{60};  // for a request that has begun, and for each write
  static constexpr std::chrono::milliseconds farewell_allowance{500};
  static constexpr std::chrono::minutes stall_length{10};

  explicit carrier(Stream stream)
      : stream_{std::move(stream)}, watchdog_{socket().get_executor()}, pause_{socket().get_executor()} {}
  ~carrier() = default;

  tcp_socket& socket() noexcept {
    if constexpr (std::is_same_v<Stream, tls_stream>)
      return stream_.next_layer();
    else
      return stream_;
  }

  void cancel() noexcept {
    boost::system::error_code ignored;
    socket().cancel(ignored);
    pause_.cancel();
  }

  // The one deadline of the connection: moved by every phase, and cheap where it only moves on.
  void allow(steady::duration span) {
    deadline_ = steady::now() + span;
    if (deadline_ < watchdog_.expiry()) watchdog_.expires_at(deadline_);  // wakes the watch, which looks again
  }

  static task<> watch(std::shared_ptr<carrier> self) {
    while (!self->done_) {
      if (steady::now() >= self->deadline_) {
        self->cancel();
        self->deadline_ = steady::now() + farewell_allowance;  // for what the connection still does
      }
      self->watchdog_.expires_at(self->deadline_);
      co_await self->watchdog_.async_wait(as_result);
    }
  }

  void end_watch() {
    done_ = true;
    watchdog_.cancel();
  }

  void close() {
    boost::system::error_code ignored;
    socket().close(ignored);
    end_watch();
  }

  task<> sleep(steady::duration span) {
    allow(span + request_allowance);
    pause_.expires_after(span);
    co_await pause_.async_wait(as_result);
  }

  task<> cut_off(cut_kind kind) {
    switch (kind) {
      case cut_kind::close:
        co_await close_in_order();
        break;
      case cut_kind::reset:
        co_await reset();
        break;
      case cut_kind::stall:
        co_await hold();
        break;
    }
  }

  task<> say_farewell() {
    if constexpr (std::is_same_v<Stream, tls_stream>) {
      allow(farewell_allowance);
      co_await stream_.async_shutdown(as_result);
    }
    co_await close_in_order();
  }

  Stream stream_;

 private:
  // Holds the connection without reading or writing, until the peer has given it up.
  task<> hold() {
    const auto end = steady::now() + stall_length;
    while (steady::now() < end && peer_is_there()) co_await sleep(std::chrono::milliseconds{50});
  }

  // Without reading, the kernel's view of the connection is the only sign.
  bool peer_is_there() {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
  }

  // FIN first, and what still arrives is thrown away for a moment: closing with unread bytes would send RST instead.
  task<> close_in_order() {
    boost::system::error_code failed;
    socket().shutdown(asio::socket_base::shutdown_send, failed);
    allow(farewell_allowance);
    std::array<char, 4096> nowhere{};
    while (!failed) {
      const auto [error, size] = co_await socket().async_read_some(asio::buffer(nowhere), as_result);
      failed = error;
    }
  }

  // RST. What was sent before has to leave first, since it would be dropped with the connection.
  task<> reset() {
    for (int tries = 0; tries < 200 && unsent_bytes() > 0; ++tries) co_await sleep(std::chrono::milliseconds{1});
    boost::system::error_code ignored;
    socket().set_option(asio::socket_base::linger{true, 0}, ignored);
    socket().close(ignored);
  }

  int unsent_bytes() {
    int count = 0;
    return ::ioctl(socket().native_handle(), SIOCOUTQ, &count) == 0 ? count : 0;
  }

  timer watchdog_;
  timer pause_;
  steady::time_point deadline_ = steady::now() + request_allowance;
  bool done_ = false;
};

}  // namespace simulator
