#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <expected>
#include <memory>
#include <string>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"

namespace gateway::transport {

// A connected TCP socket, registered with its loop for life.
class socket final : public channel {
 public:
  // Takes over a connected (or connecting) non-blocking descriptor and closes it in the end.
  socket(loop& owner, int descriptor);
  ~socket() override;

  io_result try_read(std::span<char> into) noexcept override;
  io_result try_write(std::span<const char> from) noexcept override;
  void finish() noexcept override;
  readiness& ready() noexcept override { return ready_; }
  std::optional<boost::asio::ip::address> peer_address() const override;
  std::string reason() const override;

  // The result of a non-blocking connect; 0 when it is established.
  int connect_error() noexcept;

 private:
  io_result fail(int error) noexcept;

  readiness ready_;
  int descriptor_;
  int error_ = 0;
};

using endpoint = boost::asio::ip::tcp::endpoint;

// How one gets a connection. The socket one below, or a pair in memory in tests.
class connector {
 public:
  virtual ~connector() = default;
  // Until `deadline`. The error is for people ("connection refused", "timed out").
  virtual task<std::expected<std::unique_ptr<channel>, std::string>> connect(endpoint where,
                                                                             time::instant deadline) = 0;
};

class socket_connector final : public connector {
 public:
  explicit socket_connector(loop& owner) noexcept : loop_{owner} {}
  task<std::expected<std::unique_ptr<channel>, std::string>> connect(endpoint where, time::instant deadline) override;

 private:
  loop& loop_;
};

}  // namespace gateway::transport
