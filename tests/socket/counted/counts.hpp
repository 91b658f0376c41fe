#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gateway::socket_tests {

// What the counted gateway (main.cpp) tells whoever started it, in memory that both have.
struct allocation_counts {
  struct of_thread {
    std::atomic<std::int32_t> thread;  // its id in /proc; 0: none yet
    std::atomic<std::uint64_t> allocations;
  };
  std::atomic<std::uint32_t> threads;
  std::array<of_thread, 64> each;
};

}  // namespace gateway::socket_tests
