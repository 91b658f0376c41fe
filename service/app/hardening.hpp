#pragma once

namespace gateway::app {

// Before any secret is read: memory with keys and tokens in it is left in no core file, and no other process of the
// same user may look into it (ptrace, /proc/PID/mem). The fuses are the kernel's: prctl(2) PR_SET_DUMPABLE,
// setrlimit(2) RLIMIT_CORE. False where it refuses.
bool keep_memory_private() noexcept;

bool runs_as_root() noexcept;

}  // namespace gateway::app
