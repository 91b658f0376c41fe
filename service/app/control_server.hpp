#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace gateway::app {

// Who is at the other end of the socket, by the kernel's word (SO_PEERCRED).
struct control_peer {
  pid_t pid = 0;
  uid_t uid = 0;
};

// The Unix socket through which an operator talks to the running process. One line comes in, one goes out, and the
// connection ends. Mode 0600. A socket that a process left behind is replaced, one of a living process is not.
class control_server {
 public:
  // One line without its end, to one line without its end. On the thread of the context.
  using handler = std::function<std::string(std::string_view line, const control_peer& who)>;

  // The error is for people.
  static std::expected<std::unique_ptr<control_server>, std::string> open(boost::asio::io_context& on,
                                                                          std::filesystem::path path, handler answers);
  // Takes the file away, if it is still the one that was made.
  ~control_server();
  control_server(const control_server&) = delete;
  control_server& operator=(const control_server&) = delete;

 private:
  class conversation;
  using protocol = boost::asio::local::stream_protocol;

  control_server(boost::asio::io_context& on, std::filesystem::path path, handler answers);
  std::expected<void, std::string> bind();
  void accept();

  std::filesystem::path path_;
  handler answers_;
  protocol::acceptor acceptor_;
  boost::asio::steady_timer resting_;
  ino_t inode_ = 0;
  std::shared_ptr<int> open_ = std::make_shared<int>(0);  // conversations
};

// The other side: sends the line, and returns the answer. Blocks, for some seconds at the most. The error is for
// people.
std::expected<std::string, std::string> ask_control(const std::filesystem::path& socket, std::string_view line);

}  // namespace gateway::app
