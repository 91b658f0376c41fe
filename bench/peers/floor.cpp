// floor proxy|local PORT UPSTREAM-PORT HEAD-AND-BODY ANSWER: what epoll, sockets and OpenSSL cost by themselves. It
// reads what comes and writes what it was given, without looking: no HTTP, no JSON, an upstream connection for each
// caller's, no deadlines, no errors handled. Nothing that does the work of a gateway can be cheaper.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace {

struct connection;
struct side {
  connection* of;
  bool upstream;
};
struct connection {
  int caller = -1;
  int upstream = -1;
  SSL* tls = nullptr;
  side a{this, false};
  side b{this, true};
};

std::array<char, 32768> buffer;

std::string slurp(const char* path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

sockaddr_in loopback(const char* port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return where;
}

void ready_socket(int descriptor) {
  const int one = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
}

void watch(int epoll, int descriptor, void* what, std::uint32_t how) {
  epoll_event event{};
  event.events = how;
  event.data.ptr = what;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

bool connect_upstream(connection& c, SSL_CTX* context, const char* port) {
  c.upstream = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto where = loopback(port);
  if (::connect(c.upstream, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) return false;
  c.tls = SSL_new(context);
  SSL_set_fd(c.tls, c.upstream);
  if (SSL_connect(c.tls) != 1) return false;
  ready_socket(c.upstream);
  return true;
}

void close_both(connection& c) {
  ::close(c.caller);
  c.caller = -1;
  if (c.upstream >= 0) ::close(c.upstream);
  c.upstream = -1;  // what is left of it stays: an event of this batch may still name it
}

}  // namespace

int main(int count, char** words) {
  if (count != 6) return 2;
  const bool proxies = std::strcmp(words[1], "proxy") == 0;
  const auto request = slurp(words[4]);
  const auto answer = slurp(words[5]);
  auto* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);

  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  ::setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const auto here = loopback(words[2]);
  if (::bind(listening, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 || ::listen(listening, 4096) != 0) {
    std::perror("floor");
    return 1;
  }
  const int epoll = ::epoll_create1(0);
  watch(epoll, listening, nullptr, EPOLLIN);
  std::array<epoll_event, 512> events;
  for (;;) {
    const int happened = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < happened; ++i) {
      const auto* from = static_cast<const side*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (from == nullptr) {
        const int caller = ::accept(listening, nullptr, nullptr);
        if (caller < 0) continue;
        auto* c = new connection;
        c->caller = caller;
        ready_socket(caller);
        if (proxies) {
          if (!connect_upstream(*c, context, words[3])) return 1;
          watch(epoll, c->upstream, &c->b, EPOLLIN | EPOLLET);
        }
        watch(epoll, caller, &c->a, EPOLLIN | EPOLLET);
        continue;
      }
      auto& c = *from->of;
      if (c.caller < 0) continue;
      if (from->upstream) {
        const int got = SSL_read(c.tls, buffer.data(), static_cast<int>(buffer.size()));
        if (got > 0) ::send(c.caller, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
        continue;
      }
      const auto got = ::recv(c.caller, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0)
        close_both(c);
      else if (proxies)
        SSL_write(c.tls, request.data(), static_cast<int>(request.size()));
      else
        ::send(c.caller, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
}
