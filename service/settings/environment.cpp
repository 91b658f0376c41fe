#include "settings/environment.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <openssl/crypto.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace gateway::settings {
namespace {

constexpr std::size_t longest_file = std::size_t{1024} * 1024;

std::string reason(int error) {
  return std::generic_category().message(error);
}

class descriptor {
 public:
  // Not blocking, so that a FIFO in place of a file is an empty read and not a start that hangs.
  explicit descriptor(const std::filesystem::path& file)
      : fd_{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// Something to read, or the end.
bool comes(int from) {
  constexpr int patience_ms = 10'000;
  pollfd waited_for{.fd = from, .events = POLLIN, .revents = 0};
  int found = 0;
  do found = ::poll(&waited_for, 1, patience_ms);
  while (found < 0 && errno == EINTR);
  return found > 0;
}

}  // namespace

std::expected<std::string, std::string> system_environment::read_file(const std::filesystem::path& file) const {
  const descriptor source{file};
  if (source.get() < 0) return std::unexpected(reason(errno));
  std::string content;
  std::array<char, 4096> piece;
  for (;;) {
    const auto got = ::read(source.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    // A pipe with a writer at its other end, who has not written yet.
    if (got < 0 && errno == EAGAIN && comes(source.get())) continue;
    if (got < 0) return std::unexpected(reason(errno));
    if (got == 0) {
      OPENSSL_cleanse(piece.data(), piece.size());  // it may have been a secret
      return content;
    }
    content.append(piece.data(), static_cast<std::size_t>(got));
    if (content.size() > longest_file) return std::unexpected("longer than 1 MiB");
  }
}

std::optional<std::string> system_environment::variable(const std::string& name) const {
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody here calls setenv
  if (value == nullptr) return std::nullopt;
  return std::string{value};
}

}  // namespace gateway::settings
