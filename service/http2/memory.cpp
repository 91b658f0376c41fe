#include "http2/memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>

#include "foundation/transport/frame_cache.hpp"

namespace gateway::http2 {
namespace {

using transport::frame_cache;

// Before each piece stands how long it is, with that.
constexpr std::size_t before = alignof(std::max_align_t);

std::size_t& size_of(void* piece) noexcept {
  return *std::launder(reinterpret_cast<std::size_t*>(static_cast<char*>(piece) - before));
}

void* take(std::size_t size, void* /*user*/) noexcept {
  if (size > std::numeric_limits<std::size_t>::max() - before) return nullptr;
  try {
    auto* const all = static_cast<char*>(frame_cache::allocate(size + before));
    new (all) std::size_t{size + before};
    return all + before;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void give(void* piece, void* /*user*/) noexcept {
  if (piece == nullptr) return;
  frame_cache::release(static_cast<char*>(piece) - before, size_of(piece));
}

void* take_zeroed(std::size_t number, std::size_t size, void* user) noexcept {
  if (size != 0 && number > std::numeric_limits<std::size_t>::max() / size) return nullptr;
  void* const piece = take(number * size, user);
  return piece == nullptr ? nullptr : std::memset(piece, 0, number * size);
}

void* take_larger(void* piece, std::size_t size, void* user) noexcept {
  if (piece == nullptr) return take(size, user);
  const auto had = size_of(piece) - before;
  if (size <= had) return piece;
  void* const other = take(size, user);
  if (other == nullptr) return nullptr;
  std::memcpy(other, piece, had);
  give(piece, user);
  return other;
}

}  // namespace

nghttp2_mem recycled_memory() noexcept {
  return {.mem_user_data = nullptr, .malloc = &take, .free = &give, .calloc = &take_zeroed, .realloc = &take_larger};
}

}  // namespace gateway::http2
