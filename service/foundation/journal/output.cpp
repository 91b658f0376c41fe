#include "foundation/journal/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <limits>

namespace gateway::journal {
namespace {

constexpr std::size_t most_kept = 64 * 1024;

bool ready(int descriptor, int milliseconds) noexcept {
  pollfd wanted{.fd = descriptor, .events = POLLOUT, .revents = 0};
  return ::poll(&wanted, 1, milliseconds) > 0;
}

// The longest part of at most that size which ends with a line; of a line longer than that, its beginning.
std::string_view whole_lines(std::string_view text, std::size_t at_most) noexcept {
  if (text.size() <= at_most) return text;
  const auto piece = text.substr(0, at_most);
  const auto last = piece.rfind('\n');
  return last == std::string_view::npos ? piece : piece.substr(0, last + 1);
}

}  // namespace

output::output(int descriptor) : descriptor_{descriptor} {
  struct stat about{};
  if (::fstat(descriptor, &about) == 0) {
    socket_ = S_ISSOCK(about.st_mode);
    may_block_ = !socket_ && !S_ISREG(about.st_mode);
    if (S_ISFIFO(about.st_mode)) pipe_size_ = static_cast<std::size_t>(std::max(0, ::fcntl(descriptor, F_GETPIPE_SZ)));
  }
}

output::~output() {
  drain(std::chrono::milliseconds{100});
}

// How much can be written now without waiting, whatever the descriptor's flags. An empty pipe takes its whole size; one
// that poll() calls writable takes PIPE_BUF bytes at once and undivided (pipe(7)).
std::size_t output::room() const noexcept {
  if (!may_block_) return std::numeric_limits<std::size_t>::max();
  int unread = 0;
  if (pipe_size_ != 0 && ::ioctl(descriptor_, FIONREAD, &unread) == 0 && unread == 0) return pipe_size_;
  return ready(descriptor_, 0) ? PIPE_BUF : 0;
}

output::result output::write_some(std::string_view& text) {
  const auto piece = whole_lines(text, room());
  if (piece.empty()) return result::blocked;
  const ssize_t written = socket_ ? ::send(descriptor_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : ::write(descriptor_, piece.data(), piece.size());
  if (written >= 0) {
    text.remove_prefix(static_cast<std::size_t>(written));
    return result::done;
  }
  if (errno == EINTR) return result::done;
  return errno == EAGAIN || errno == EWOULDBLOCK ? result::blocked : result::failed;
}

output::result output::write_pieces(std::string_view& text) {
  while (!text.empty()) {
    if (const result r = write_some(text); r != result::done) return r;
  }
  return result::done;
}

bool output::flush_kept() {
  std::string_view rest = kept_;
  const result r = write_pieces(rest);
  if (r == result::failed) {
    count_lines(rest);
    rest = {};
  }
  kept_.erase(0, kept_.size() - rest.size());
  return kept_.empty();
}

void output::count_lines(std::string_view lost) noexcept {
  dropped_.fetch_add(static_cast<std::uint64_t>(std::ranges::count(lost, '\n')), std::memory_order_relaxed);
}

std::size_t output::write(std::string_view lines) {
  const std::scoped_lock lock{mutex_};
  if (!flush_kept()) return 0;
  std::string_view rest = lines;
  if (write_pieces(rest) == result::failed) {
    count_lines(rest);
    return lines.size();
  }
  const std::size_t taken = lines.size() - rest.size();
  if (taken == 0 || lines[taken - 1] == '\n') return taken;
  // Cut in the middle of a line: its rest must be the next thing out, whoever writes next.
  const auto line_rest = rest.substr(0, rest.find('\n') + 1);
  kept_.assign(line_rest);
  return taken + line_rest.size();
}

void output::post(std::string_view line) {
  const std::scoped_lock lock{mutex_};
  flush_kept();
  if (kept_.size() + line.size() > most_kept) return count_lines(line);
  kept_ += line;
  flush_kept();
}

bool output::flush() {
  const std::scoped_lock lock{mutex_};
  return flush_kept();
}

bool output::drain(std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  while (!flush()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !ready(descriptor_, static_cast<int>(left.count()))) return flush();
  }
  return true;
}

}  // namespace gateway::journal
