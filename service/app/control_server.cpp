#include "app/control_server.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gateway::app {
namespace {

using protocol = boost::asio::local::stream_protocol;

constexpr std::size_t longest_line = 4096;
constexpr int most_conversations = 16;
constexpr auto patience = std::chrono::seconds{5};
constexpr auto rest = std::chrono::milliseconds{100};  // after what could not be accepted

std::string reason() {
  return std::strerror(errno);
}

// Whether somebody listens there.
bool is_alive(const std::filesystem::path& path) {
  boost::asio::io_context unused;
  protocol::socket probe{unused};
  boost::system::error_code error;
  probe.connect(protocol::endpoint{path.native()}, error);
  // Anything but a refusal may be a process that is only busy.
  return error != boost::asio::error::connection_refused;
}

}  // namespace

class control_server::conversation : public std::enable_shared_from_this<conversation> {
 public:
  conversation(protocol::socket with, handler answers, std::shared_ptr<int> open)
      : socket_{std::move(with)}, answers_{std::move(answers)}, open_{std::move(open)}, timer_{socket_.get_executor()} {
    ++*open_;
  }
  ~conversation() { --*open_; }
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;

  void begin() {
    timer_.expires_after(patience);
    timer_.async_wait([self = weak_from_this()](const boost::system::error_code& error) {
      if (const auto it = self.lock(); it && !error) it->close();
    });
    boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(said_, longest_line), '\n',
                                  [self = shared_from_this()](const boost::system::error_code& error, std::size_t n) {
                                    if (!error) self->answer(n);
                                  });
  }

 private:
  void answer(std::size_t length) {
    reply_ = answers_(std::string_view{said_}.substr(0, length - 1), peer()) + "\n";
    boost::asio::async_write(
        socket_, boost::asio::buffer(reply_),
        [self = shared_from_this()](const boost::system::error_code&, std::size_t) { self->close(); });
  }

  control_peer peer() {
    ucred found{};
    socklen_t length = sizeof found;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &found, &length) != 0) return {};
    return {.pid = found.pid, .uid = found.uid};
  }

  void close() {
    boost::system::error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
  }

  protocol::socket socket_;
  handler answers_;
  std::shared_ptr<int> open_;
  boost::asio::steady_timer timer_;
  std::string said_;
  std::string reply_;
};

control_server::control_server(boost::asio::io_context& on, std::filesystem::path path, handler answers)
    : path_{std::move(path)}, answers_{std::move(answers)}, acceptor_{on}, resting_{on} {}

std::expected<std::unique_ptr<control_server>, std::string> control_server::open(boost::asio::io_context& on,
                                                                                 std::filesystem::path path,
                                                                                 handler answers) {
  std::unique_ptr<control_server> made{new control_server{on, std::move(path), std::move(answers)}};
  if (auto bound = made->bind(); !bound)
    return std::unexpected{"cannot listen on " + made->path_.native() + ": " + bound.error()};
  made->accept();
  return made;
}

std::expected<void, std::string> control_server::bind() {
  struct stat there{};
  if (::lstat(path_.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode)) return std::unexpected{std::string{"a file that is no socket is there"}};
    if (is_alive(path_)) return std::unexpected{std::string{"another process listens there"}};
    if (::unlink(path_.c_str()) != 0) return std::unexpected{"the socket left there cannot be removed: " + reason()};
  }
  boost::system::error_code error;
  acceptor_.open({}, error);
  if (error) return std::unexpected{error.message()};
  // The file that `bind` makes gets the mode of the socket: nobody can connect before it is ours alone.
  if (::fchmod(acceptor_.native_handle(), S_IRUSR | S_IWUSR) != 0) return std::unexpected{reason()};
  acceptor_.bind(protocol::endpoint{path_.native()}, error);
  if (!error) acceptor_.listen(most_conversations, error);
  if (error) return std::unexpected{error.message()};
  if (::lstat(path_.c_str(), &there) == 0) inode_ = there.st_ino;
  return {};
}

control_server::~control_server() {
  struct stat there{};
  if (inode_ != 0 && ::lstat(path_.c_str(), &there) == 0 && there.st_ino == inode_) ::unlink(path_.c_str());
}

void control_server::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error, protocol::socket with) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!error && *open_ < most_conversations)
      std::make_shared<conversation>(std::move(with), answers_, open_)->begin();
    if (!error) return accept();
    // Out of descriptors, say: whoever waits to be accepted would otherwise be all that this thread is at.
    resting_.expires_after(rest);
    resting_.async_wait([this](const boost::system::error_code& cancelled) {
      if (!cancelled) accept();
    });
  });
}

std::expected<std::string, std::string> ask_control(const std::filesystem::path& socket, std::string_view line) {
  boost::asio::io_context on;
  protocol::socket with{on};
  boost::system::error_code error;
  with.connect(protocol::endpoint{socket.native()}, error);
  if (error == boost::asio::error::connection_refused || error == boost::system::errc::no_such_file_or_directory)
    return std::unexpected{"no gateway listens on " + socket.native()};
  if (error) return std::unexpected{socket.native() + ": " + error.message()};
  const timeval limit{.tv_sec = 2 * std::chrono::seconds{patience}.count(), .tv_usec = 0};
  ::setsockopt(with.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto text = std::string{line} + "\n";
  if (::send(with.native_handle(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    return std::unexpected{"the gateway does not listen: " + reason()};
  std::string answer;
  std::array<char, 4096> piece{};
  while (!answer.ends_with('\n')) {
    const auto got = ::recv(with.native_handle(), piece.data(), piece.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected{"the gateway does not answer: " + reason()};
    if (got == 0) return std::unexpected{std::string{"the gateway ended the connection without an answer"}};
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
  answer.pop_back();
  return answer;
}

}  // namespace gateway::app
