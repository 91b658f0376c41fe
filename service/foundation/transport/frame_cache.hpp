#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace gateway::transport {

// Coroutine frames of the thread, recycled by size class: in the steady state a request allocates none. The lists are
// per thread, because a coroutine stays on its loop and a loop on its thread; they are bounded by the largest number of
// frames that were ever alive at once, and freed with the thread or by `trim`.
//
// The classes are the sizes that the C library hands out, so that no frame has more than it would have from there: in
// steps of 64 bytes the eight frames in which a creation waits had 176 bytes more (sizes by -Rpass=coro-split).
class frame_cache {
 public:
  static void* allocate(std::size_t size) {
    const auto index = class_of(size);
    if (index >= classes) return ::operator new(size);
    auto& list = thread_lists().heads[index];
    if (list == nullptr) return ::operator new(index * step + beside);
    auto* frame = list;
    list = frame->next;
    return frame;
  }

  static void release(void* memory, std::size_t size) noexcept {
    const auto index = class_of(size);
    if (index >= classes || thread_lists().closed) {
      ::operator delete(memory);
      return;
    }
    auto& list = thread_lists().heads[index];
    list = new (memory) node{list};
  }

  // Frees this thread's frames that wait to be used again: after a crowd that will not come back soon.
  static void trim() noexcept { thread_lists().free_all(); }

 private:
  static constexpr std::size_t step = 16;
  static constexpr std::size_t beside = 8;     // beyond whole steps: the other half of a step is the C library's header
  static constexpr std::size_t classes = 257;  // frames up to 4 KiB
  static constexpr std::size_t class_of(std::size_t size) noexcept { return (size + step - 1 - beside) / step; }

  struct node {
    node* next;
  };
  struct lists {
    std::array<node*, classes> heads{};
    bool closed = false;
    lists() = default;
    lists(const lists&) = delete;
    lists& operator=(const lists&) = delete;
    ~lists() {
      closed = true;
      free_all();
    }
    void free_all() noexcept {
      for (auto*& head : heads)
        while (head != nullptr) {
          auto* next = head->next;
          ::operator delete(head);
          head = next;
        }
    }
  };
  static lists& thread_lists() noexcept {
    thread_local lists own;
    return own;
  }
};

}  // namespace gateway::transport
