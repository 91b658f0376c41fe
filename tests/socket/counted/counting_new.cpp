// The gateway as it is, but for `new`, which counts by thread. The counts are in the file that ALLOCATION_COUNTS names,
// which whoever started it may read at any time. What OpenSSL and the C library take from malloc is not counted.
#include "socket/counted/counts.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <new>

namespace {

using gateway::socket_tests::allocation_counts;

allocation_counts* shared_counts() noexcept {
  static allocation_counts* const counts = []() -> allocation_counts* {
    const char* const name = std::getenv("ALLOCATION_COUNTS");
    if (name == nullptr) return nullptr;
    const int file = ::open(name, O_RDWR | O_CLOEXEC);
    if (file < 0) return nullptr;
    void* const memory = ::mmap(nullptr, sizeof(allocation_counts), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    return memory == MAP_FAILED ? nullptr : static_cast<allocation_counts*>(memory);
  }();
  return counts;
}

void count() noexcept {
  thread_local allocation_counts::of_thread* mine = nullptr;
  if (mine == nullptr) {
    auto* const all = shared_counts();
    if (all == nullptr) return;
    const auto place = all->threads.fetch_add(1);
    if (place >= all->each.size()) return;
    mine = &all->each[place];
    mine->thread = ::gettid();
  }
  mine->allocations.fetch_add(1, std::memory_order_relaxed);
}

void* counted(std::size_t size, std::size_t alignment) {
  count();
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t))
    memory = std::malloc(size == 0 ? 1 : size);
  else if (::posix_memalign(&memory, alignment, size) != 0)
    memory = nullptr;
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(size, 0);
}
void* operator new[](std::size_t size) {
  return counted(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
