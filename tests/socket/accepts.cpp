// Loaded before a program (LD_PRELOAD), this writes a line "PORT NANOSECONDS" into the file that GATEWAY_TEST_ACCEPTS
// names for every connection that the program takes: the port it came to, and when by the wall clock. Nothing that the
// gateway writes tells that; a request's own time begins when it is read.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>

extern "C" int accept4(int listening, sockaddr* address, socklen_t* length, int flags) {
  using function = int (*)(int, sockaddr*, socklen_t*, int);
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "accept4"));
  static const int file =
      ::open(std::getenv("GATEWAY_TEST_ACCEPTS"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  const int taken = real(listening, address, length, flags);
  const int error = errno;
  sockaddr_in own{};
  socklen_t size = sizeof own;
  if (taken >= 0 && ::getsockname(taken, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sin_family == AF_INET) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto line =
        std::to_string(ntohs(own.sin_port)) + " " + std::to_string(std::chrono::nanoseconds{now}.count()) + "\n";
    if (::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  }
  errno = error;
  return taken;
}
