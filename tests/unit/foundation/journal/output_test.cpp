#include "foundation/journal/output.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <string>

#include "pipe.hpp"

using namespace gateway;
using namespace std::chrono_literals;
using journal::output;

namespace {

std::string lines_of(char c, std::size_t length, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += std::string(length - 1, c) + '\n';
  return out;
}

}  // namespace

TEST_CASE("lines go out as they are when the reader keeps up") {
  const small_pipe pipe{true};
  output to{pipe.writing_end()};
  CHECK(to.write("one\ntwo\n") == 8);
  to.post("three\n");
  CHECK(to.flush());
  CHECK(pipe.read() == "one\ntwo\nthree\n");
  CHECK(to.dropped() == 0);
}

TEST_CASE("a full pipe makes nobody wait, whether the descriptor is blocking or not") {
  for (const bool blocking : {true, false}) {
    CAPTURE(blocking);
    const small_pipe pipe{blocking};
    output to{pipe.writing_end()};
    const std::string lines = lines_of('a', 1000, 20);
    const auto taken = to.write(lines);
    CHECK(taken == 8000);  // the whole lines of two pages
    CHECK(to.write(std::string_view{lines}.substr(taken)) == 0);
    CHECK(pipe.read() == lines_of('a', 1000, 8));
    CHECK(to.write(std::string_view{lines}.substr(taken)) == 8000);
    CHECK(to.dropped() == 0);
  }
}

TEST_CASE("a line longer than a pipe takes at once is finished before anybody else's begins") {
  const small_pipe pipe{true};
  output to{pipe.writing_end()};
  const std::string longest = lines_of('a', 10'000, 1);
  CHECK(to.write(longest + "b\n") == 10'000);  // taken whole; its rest is kept
  CHECK(to.write("b\n") == 0);
  to.post("event\n");
  CHECK(pipe.read() == longest.substr(0, small_pipe::size));
  CHECK(to.flush());
  CHECK(to.write("b\n") == 2);
  CHECK(pipe.read() == longest.substr(small_pipe::size) + "event\nb\n");
}

TEST_CASE("a posted line is kept while the reader is slow, up to 64 KiB, and what is beyond is counted") {
  const small_pipe pipe{true};
  output to{pipe.writing_end()};
  pipe.fill();
  for (int i = 0; i < 66; ++i) to.post(lines_of('e', 1000, 1));
  CHECK(to.dropped() == 1);
  CHECK_FALSE(to.flush());
  CHECK(to.write("access\n") == 0);

  CHECK(pipe.read() == std::string(small_pipe::size, '.'));
  std::string seen;
  while (!to.flush()) seen += pipe.read();
  seen += pipe.read();
  CHECK(seen == lines_of('e', 1000, 65));
}

TEST_CASE("when nobody reads any more, lines are taken and counted as dropped") {
  small_pipe pipe{true};
  output to{pipe.writing_end()};
  pipe.close_reader();
  CHECK(to.write("one\ntwo\n") == 8);
  to.post("three\n");
  CHECK(to.dropped() == 3);
  CHECK(to.flush());

  const int closed = ::dup(pipe.writing_end());
  ::close(closed);
  output nowhere{closed};
  CHECK(nowhere.write("one\n") == 4);
  CHECK(nowhere.dropped() == 1);
}

TEST_CASE("a socket that is full makes nobody wait, and a line that it cut is finished first") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  {
    output to{ends[0]};
    const std::string lines = lines_of('s', 3000, 1000);
    const auto taken = to.write(lines);
    CHECK(taken > 0);
    CHECK(taken < lines.size());
    CHECK(taken % 3000 == 0);
    std::string seen(lines.size(), '\0');
    std::size_t got = 0;
    while (got < taken) {
      to.flush();
      const auto more = ::recv(ends[1], seen.data() + got, seen.size() - got, MSG_DONTWAIT);
      REQUIRE(more > 0);
      got += static_cast<std::size_t>(more);
    }
    CHECK(seen.substr(0, got) == lines.substr(0, taken));
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a file takes everything at once") {
  std::string name = "/tmp/gateway-output-XXXXXX";
  const int file = ::mkstemp(name.data());
  REQUIRE(file >= 0);
  ::unlink(name.c_str());
  const std::string lines = lines_of('f', 100, 1000);
  {
    output to{file};
    CHECK(to.write(lines) == lines.size());
  }
  std::string seen(lines.size() + 1, '\0');
  CHECK(::pread(file, seen.data(), seen.size(), 0) == static_cast<ssize_t>(lines.size()));
  CHECK(seen.substr(0, lines.size()) == lines);
  ::close(file);
}

TEST_CASE("draining gives up at once when there is nothing to wait for, and writes what the reader takes") {
  const small_pipe pipe{true};
  output to{pipe.writing_end()};
  pipe.fill();
  to.post("last words\n");
  CHECK_FALSE(to.drain(0ms));
  pipe.read();
  CHECK(to.drain(0ms));
  CHECK(pipe.read() == "last words\n");
}
