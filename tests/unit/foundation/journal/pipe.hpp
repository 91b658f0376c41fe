#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

// A pipe of two pages whose reader is the test. (With one page, Linux calls it writable only when it is empty.)
struct small_pipe {
  static constexpr int size = 2 * 4096;

  // blocking: whether the writing end waits when full, as standard output usually does.
  explicit small_pipe(bool blocking) {
    ::signal(SIGPIPE, SIG_IGN);
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, size) == size);
    if (blocking) REQUIRE(::fcntl(ends[1], F_SETFL, 0) == 0);
  }
  ~small_pipe() {
    close_reader();
    ::close(ends[1]);
  }
  small_pipe(const small_pipe&) = delete;
  small_pipe& operator=(const small_pipe&) = delete;

  int writing_end() const { return ends[1]; }

  // What is in it now.
  std::string read() const {
    std::string out(2 * size, '\0');
    const auto got = ::read(ends[0], out.data(), out.size());
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  void fill() const {
    const std::string full(size, '.');
    REQUIRE(::write(ends[1], full.data(), full.size()) == size);
  }
  void close_reader() {
    if (ends[0] >= 0) ::close(ends[0]);
    ends[0] = -1;
  }

 private:
  std::array<int, 2> ends{-1, -1};
};
