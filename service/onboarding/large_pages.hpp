#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <memory_resource>

namespace gateway::onboarding {

// Memory for large tables: pieces of 2 MiB and more lie on pages of that size, where the system has any to give. While
// tables grew, that more memory was touched for the first time took 3 % of a creation's time, a small page after the
// other, and takes half of that (perf). Smaller pieces come from the heap. Any thread.
class large_pages final : public std::pmr::memory_resource {
 public:
  static constexpr std::size_t page = 2 * 1024 * 1024;

 private:
  static std::size_t alignment_of(std::size_t bytes, std::size_t wanted) noexcept {
    return bytes < page ? wanted : std::max(wanted, page);
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    auto* const memory = std::pmr::new_delete_resource()->allocate(bytes, alignment_of(bytes, alignment));
    // It is advice: with small pages it works as well.
    if (bytes >= page) ::madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment_of(bytes, alignment));
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace gateway::onboarding
