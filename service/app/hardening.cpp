#include "app/hardening.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace gateway::app {

bool keep_memory_private() noexcept {
  // The hard limit, too: nothing that is started from here may raise it again.
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  const bool limited = ::setrlimit(RLIMIT_CORE, &none) == 0;
  // The limit alone does not hold where core_pattern leads to a program.
  const bool hidden = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
  return limited && hidden;
}

bool runs_as_root() noexcept {
  return ::geteuid() == 0;
}

}  // namespace gateway::app
