#include "foundation/transport/frame_cache.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include <malloc.h>

using gateway::transport::frame_cache;

TEST_CASE("a frame that was released is used again, until the cache is trimmed") {
  std::vector<void*> frames;
  for (int i = 0; i < 100; ++i) frames.push_back(frame_cache::allocate(200));
  for (auto* one : frames) frame_cache::release(one, 200);
  auto* again = frame_cache::allocate(200);
  CHECK(again == frames.back());
  frame_cache::trim();  // not what is in use
  std::memset(again, 1, 200);
  frame_cache::release(again, 200);
  frame_cache::trim();
  auto* fresh = frame_cache::allocate(200);
  std::memset(fresh, 1, 200);
  frame_cache::release(fresh, 200);
}

TEST_CASE("a frame has as much memory as it asks for, and what the C library would give it beside") {
  for (std::size_t size = 1; size <= 4200; ++size) {
    auto* const frame = frame_cache::allocate(size);
    std::memset(frame, 1, size);  // AddressSanitizer knows where it ends
    frame_cache::release(frame, size);
    // The next one is not smaller, whatever was given back before.
    auto* const next = frame_cache::allocate(size + 1);
    std::memset(next, 1, size + 1);
    frame_cache::release(next, size + 1);
  }
  frame_cache::trim();
  auto* const plain = ::operator new(408);
  auto* const frame = frame_cache::allocate(408);
  CHECK(malloc_usable_size(frame) <= malloc_usable_size(plain));
  ::operator delete(plain);
  frame_cache::release(frame, 408);
  frame_cache::trim();
}
