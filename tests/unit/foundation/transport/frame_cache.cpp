#include "foundation/transport/frame_cache.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

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
