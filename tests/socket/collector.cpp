#include "socket/collector.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <array>
#include <stdexcept>
#include <system_error>

namespace gateway::socket_tests {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

std::size_t length_in(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

collector::collector(unsigned short port) {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening_ < 0 || ::pipe2(stop_, O_CLOEXEC) != 0) fail("collector");
  const int on = 1;
  ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  where.sin_port = htons(port);
  socklen_t size = sizeof where;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&where), size) != 0 || ::listen(listening_, 8) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&where), &size) != 0)
    fail("collector");
  port_ = ntohs(where.sin_port);
  thread_ = std::thread{[this] { serve(); }};
}

collector::~collector() {
  ::close(stop_[1]);
  thread_.join();
  ::close(stop_[0]);
  ::close(listening_);
}

bool collector::ending(int descriptor) const {
  std::array<pollfd, 2> watched{{{descriptor, POLLIN, 0}, {stop_[0], POLLIN, 0}}};
  ::poll(watched.data(), watched.size(), -1);
  return watched[1].revents != 0;
}

void collector::serve() {
  while (!ending(listening_)) {
    const int peer = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) continue;
    converse(peer);
    ::close(peer);
  }
}

void collector::converse(int with) {
  std::string unread;
  std::array<char, 65536> piece{};
  const auto more = [&] {
    if (ending(with)) return false;
    const auto got = ::recv(with, piece.data(), piece.size(), 0);
    if (got > 0) unread.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  for (;;) {
    std::size_t end = 0;
    while ((end = unread.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return;
    const auto head = unread.substr(0, end + 4);
    const auto whole = head.size() + length_in(head);
    while (unread.size() < whole)
      if (!more()) return;
    const auto body = unread.substr(head.size(), whole - head.size());
    unread.erase(0, whole);
    {
      const std::scoped_lock lock{mutex_};
      heads_ += head;
      if (manner_.load() == manner::accepts) accepted_.push_back(body);
    }
    ++asked_;
    std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    if (manner_.load() == manner::refuses_with_500) answer = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
    if (manner_.load() == manner::busy) answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
    if (manner_.load() == manner::hangs_up) return;
    while (manner_.load() == manner::hangs)
      if (!more()) return;
    if (::send(with, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
  }
}

std::string collector::accepted_text() const {
  const std::scoped_lock lock{mutex_};
  std::string all;
  for (const auto& one : accepted_) all += one + "\n";
  return all;
}

std::string collector::heads() const {
  const std::scoped_lock lock{mutex_};
  return heads_;
}

std::vector<boost::json::object> collector::spans() const {
  const std::scoped_lock lock{mutex_};
  std::vector<boost::json::object> all;
  for (const auto& body : accepted_) {
    const auto read = boost::json::parse(body);
    for (const auto& resource : read.at("resourceSpans").as_array())
      for (const auto& scope : resource.at("scopeSpans").as_array())
        for (const auto& span : scope.at("spans").as_array()) all.push_back(span.as_object());
  }
  return all;
}

}  // namespace gateway::socket_tests
