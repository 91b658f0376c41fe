#include "onboarding/large_pages.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>

using gateway::onboarding::large_pages;

TEST_CASE("a large piece begins where a large page does, a small one where it was wanted") {
  large_pages memory;
  for (const std::size_t bytes : {large_pages::page, 3 * large_pages::page + 8}) {
    auto* const piece = memory.allocate(bytes, 64);
    CHECK(reinterpret_cast<std::uintptr_t>(piece) % large_pages::page == 0);
    std::memset(piece, 1, bytes);
    memory.deallocate(piece, bytes, 64);
  }
  for (const std::size_t alignment : {8U, 64U, 4096U}) {
    auto* const piece = memory.allocate(large_pages::page - 8, alignment);
    CHECK(reinterpret_cast<std::uintptr_t>(piece) % alignment == 0);
    std::memset(piece, 1, large_pages::page - 8);
    memory.deallocate(piece, large_pages::page - 8, alignment);
  }
}
