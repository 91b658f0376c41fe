#include "app/hardening.hpp"

#include <doctest/doctest.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gateway;

TEST_CASE("Memory is kept out of core files and from others, for good") {
  // In a process of its own: it cannot be undone.
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    rlimit left{};
    const bool kept = app::keep_memory_private() && ::prctl(PR_GET_DUMPABLE) == 0 &&
                      ::getrlimit(RLIMIT_CORE, &left) == 0 && left.rlim_cur == 0 && left.rlim_max == 0;
    ::_exit(kept ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
