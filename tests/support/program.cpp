#include "support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace gateway::support {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::system_error{errno, std::generic_category(), what};
}

void close_one(int& descriptor) noexcept {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

struct pipe_ends {
  int read = -1;
  int write = -1;
  pipe_ends() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) give_up("pipe2");
    read = ends[0];
    write = ends[1];
  }
  ~pipe_ends() {
    close_one(read);
    close_one(write);
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;
};

// Between fork and exec: only what is safe there (signal-safety(7)).
[[noreturn]] void become(const char* file, char* const* arguments, streams standard, int input, int output,
                         int errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  if (standard == streams::closed_input || standard == streams::none) ::close(STDIN_FILENO);
  if (standard == streams::full_output) ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
  if (standard == streams::none) {
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
  }
  ::execv(file, arguments);
  ::_exit(127);
}

bool readable_within(int descriptor, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(&wanted, 1, left < 0 ? 0 : static_cast<int>(left));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace

bool eventually(const std::function<bool()>& is_so, std::chrono::milliseconds limit) {
  constexpr int breath_ms = 10;
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    ::poll(nullptr, 0, breath_ms);
  }
  return true;
}

scratch_folder::scratch_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "gateway-test.XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) give_up("mkdtemp");
  place_ = pattern;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(place_, ignored);
}

std::string scratch_folder::write(std::string_view name, std::string_view content) const {
  std::ofstream file{place_ / name, std::ios::binary | std::ios::trunc};
  file << content << std::flush;
  if (!file) throw std::runtime_error{"cannot write " + path(name)};
  return path(name);
}

std::string scratch_folder::replace(std::string_view name, std::string_view content) const {
  const auto beside = write(std::string{name} + ".new", content);
  std::filesystem::rename(beside, place_ / name);
  return path(name);
}

program::program(std::string file, std::vector<std::string> arguments, streams standard)
    : name_{std::filesystem::path{file}.filename().string()} {
  pipe_ends output;
  pipe_ends errors;
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input < 0) give_up("/dev/null");
  arguments.insert(arguments.begin(), file);
  std::vector<char*> words;
  for (auto& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) become(file.c_str(), words.data(), standard, input, output.write, errors.write);
  ::close(input);
  if (pid_ < 0) give_up("fork");
  process_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));  // glibc 2.36's own declaration is not for C++
  hush_ = ::eventfd(0, EFD_CLOEXEC);
  output_ = std::exchange(output.read, -1);
  errors_ = std::exchange(errors.read, -1);
  reader_ = std::thread{[this] { read_all(); }};
}

program::~program() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  stop_reading();
  close_one(process_);
  close_one(output_);
  close_one(errors_);
  close_one(hush_);
}

void program::signal(int number) const {
  if (ended_ || ::kill(pid_, number) != 0) throw std::runtime_error{name_ + " runs no more"};
}

void program::read_all() {
  std::array<pollfd, 3> wanted{pollfd{output_, POLLIN, 0}, pollfd{errors_, POLLIN, 0}, pollfd{hush_, POLLIN, 0}};
  std::array<char, 16384> part{};
  while (wanted[0].fd >= 0 || wanted[1].fd >= 0) {
    if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
    if (wanted[2].revents != 0) break;
    for (auto& one : {&wanted[0], &wanted[1]}) {
      if (one->revents == 0) continue;
      const auto size = ::read(one->fd, part.data(), part.size());
      if (size <= 0) {
        one->fd = -1;
        continue;
      }
      const std::scoped_lock lock{mutex_};
      (one == &wanted[0] ? said_ : complained_).append(part.data(), static_cast<std::size_t>(size));
      said_something_.notify_all();
    }
  }
  const std::scoped_lock lock{mutex_};
  silent_ = true;
  said_something_.notify_all();
}

void program::stop_reading() {
  if (!reader_.joinable()) return;
  ::eventfd_write(hush_, 1);
  reader_.join();
}

void program::close_outputs() {
  stop_reading();
  close_one(output_);
  close_one(errors_);
}

void program::rewind() {
  const std::scoped_lock lock{mutex_};
  searched_ = 0;
}

std::string program::line_with(std::string_view text) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock{mutex_};
  for (;;) {
    for (auto end = said_.find('\n', searched_); end != std::string::npos; end = said_.find('\n', searched_)) {
      auto line = said_.substr(searched_, end - searched_);
      searched_ = end + 1;
      if (line.contains(text)) return line;
    }
    const bool late = said_something_.wait_until(lock, until) == std::cv_status::timeout;
    if (silent_ && said_.find('\n', searched_) == std::string::npos) break;
    if (late) break;
  }
  lock.unlock();
  throw std::runtime_error{name_ + " did not say \"" + std::string{text} + "\"; it said:\n" + everything_said()};
}

std::string program::output() const {
  const std::scoped_lock lock{mutex_};
  return said_;
}

std::string program::errors() const {
  const std::scoped_lock lock{mutex_};
  return complained_;
}

std::string program::everything_said() const {
  return output() + "---- on standard error:\n" + errors();
}

bool program::collect(bool at_once) {
  if (ended_) return true;
  if (!readable_within(process_, at_once ? std::chrono::milliseconds{0} : patience)) return false;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = true;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  if (reader_.joinable()) reader_.join();  // up to the end of what it said
  return true;
}

bool program::running() {
  return !collect(true);
}

int program::end() {
  if (!collect(false)) throw std::runtime_error{name_ + " does not end; it said:\n" + everything_said()};
  return code_;
}

finished run(std::string file, std::vector<std::string> arguments) {
  program started{std::move(file), std::move(arguments)};
  const int code = started.end();
  return {code, started.output(), started.errors()};
}

}  // namespace gateway::support
