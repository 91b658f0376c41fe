#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"

namespace gateway::transport {

// One loop's listening socket. Several loops listen on one port; the kernel spreads the connections over them.
class acceptor {
 public:
  using handler = std::function<void(std::unique_ptr<channel>)>;

  // Binds and listens. `shared`: other acceptors, of this process or of others, may use the same port (SO_REUSEPORT).
  // The error is for people and names the address.
  static std::expected<std::unique_ptr<acceptor>, std::string> open(loop& on, boost::asio::ip::tcp::endpoint where,
                                                                    bool shared, handler gives);

  // Binds alone, to see that nobody else has the port, and gives it free again. The endpoint has the port that the
  // kernel chose where 0 was asked for.
  static std::expected<boost::asio::ip::tcp::endpoint, std::string> probe(boost::asio::ip::tcp::endpoint where);

  ~acceptor();
  acceptor(const acceptor&) = delete;
  acceptor& operator=(const acceptor&) = delete;

  // On the loop: begins to accept. Out of descriptors, it waits a little and goes on.
  void start();
  // On the loop: accepts nothing more, and goes on listening: who connects waits in the kernel's queue.
  void pause() noexcept;
  // On the loop: accepts what waits in the kernel's queue, and stops listening. Who connects between the two is reset
  // by the kernel, or goes to another socket of the port.
  void finish();
  // On the loop: stops listening; what is not accepted yet is refused by the kernel.
  void close() noexcept;
  boost::asio::ip::tcp::endpoint local_endpoint() const;

 private:
  using socket_type = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, loop::executor_type>;
  class rest;

  acceptor(loop& on, handler gives);
  void wait();
  void accept_some();

  loop& loop_;
  socket_type socket_;
  handler gives_;
  std::unique_ptr<rest> rest_;
  bool paused_ = false;
};

}  // namespace gateway::transport
