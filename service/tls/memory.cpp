#include "tls/memory.hpp"

#include <openssl/crypto.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include <sys/mman.h>

namespace gateway::tls {
namespace {

constexpr std::size_t most_at_hand = 32;  // of a thread

// All addresses lie in one row, those of the small pieces first: so whose a piece is shows by its address.
constexpr std::size_t small_size = 4096;
constexpr std::size_t large_size = std::size_t{24} * 1024;
constexpr std::size_t small_number = 16384;
constexpr std::size_t large_number = 8192;
constexpr std::size_t of_small = small_size * small_number;
constexpr std::size_t of_all = of_small + large_size * large_number;
char* row = nullptr;

std::size_t place_of(const void* piece) noexcept {
  return std::bit_cast<std::uintptr_t>(piece) - std::bit_cast<std::uintptr_t>(row);
}

// Pieces of one size. The addresses are taken once, and memory only for the pieces that are used.
class pieces {
 public:
  constexpr pieces(std::size_t size, std::size_t number) noexcept : size_{size}, number_{number} {}

  bool begin(char* at) noexcept {
    base_ = at;
    resting_ = static_cast<char**>(std::malloc(number_ * sizeof(char*)));
    return resting_ != nullptr;
  }
  // Null: all of them are in use.
  void* take() noexcept {
    const std::lock_guard lock{mutex_};
    if (resting_count_ == 0 && begun_ == number_) return nullptr;
    ++in_use_;
    return resting_count_ > 0 ? resting_[--resting_count_] : base_ + begun_++ * size_;
  }
  // Its memory goes back to the system.
  void give(void* piece) noexcept {
    ::madvise(piece, size_, MADV_DONTNEED);
    const std::lock_guard lock{mutex_};
    --in_use_;
    resting_[resting_count_++] = static_cast<char*>(piece);
  }
  std::size_t in_use() noexcept {
    const std::lock_guard lock{mutex_};
    return in_use_;
  }

 private:
  const std::size_t size_;
  const std::size_t number_;
  char* base_ = nullptr;
  std::mutex mutex_;
  char** resting_ = nullptr;
  std::size_t resting_count_ = 0;
  std::size_t begun_ = 0;
  std::size_t in_use_ = 0;
};

// A handshake's writes are gathered in the small ones; its messages, and all records, are put together in the large.
constinit pieces small{small_size, small_number};
constinit pieces large{large_size, large_number};

// A thread's. The last one given back goes first: that one lies in the processor's nearest memory.
struct shelf {
  pieces& of;
  std::array<void*, most_at_hand> at_hand{};
  std::size_t count = 0;
  bool closed = false;

  explicit shelf(pieces& all) noexcept : of{all} {}
  shelf(const shelf&) = delete;
  shelf& operator=(const shelf&) = delete;
  ~shelf() {
    closed = true;
    while (count > 0) of.give(at_hand[--count]);
  }
  void* take() noexcept { return count > 0 ? at_hand[--count] : of.take(); }
  void give(void* piece) noexcept {
    if (count == at_hand.size() || closed)
      of.give(piece);
    else
      at_hand[count++] = piece;
  }
};

shelf& shelf_of_small() noexcept {
  thread_local shelf own{small};
  return own;
}
shelf& shelf_of_large() noexcept {
  thread_local shelf own{large};
  return own;
}

// What lies between, and above, is rare or stays: a connection's own state has seven kilobytes.
void* allocate(std::size_t size, const char* /*file*/, int /*line*/) noexcept {
  void* piece = nullptr;
  if (size > 3072 && size <= large_size) {
    if (size > std::size_t{12} * 1024)
      piece = shelf_of_large().take();
    else if (size <= small_size)
      piece = shelf_of_small().take();
  } else if (size == 0) {
    return nullptr;
  }
  return piece != nullptr ? piece : std::malloc(size);
}

void release(void* memory, const char* /*file*/, int /*line*/) noexcept {
  const auto place = place_of(memory);
  if (place >= of_all)
    std::free(memory);
  else if (place < of_small)
    shelf_of_small().give(memory);
  else
    shelf_of_large().give(memory);
}

void* reallocate(void* memory, std::size_t size, const char* file, int line) noexcept {
  if (memory == nullptr) return allocate(size, file, line);
  if (size == 0) {
    release(memory, file, line);
    return nullptr;
  }
  const auto place = place_of(memory);
  if (place >= of_all) return std::realloc(memory, size);
  const auto had = place < of_small ? small_size : large_size;
  if (size <= had) return memory;
  void* const larger = allocate(size, file, line);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, had);
  release(memory, file, line);
  return larger;
}

}  // namespace

bool keep_buffers_apart() noexcept {
  void* const got = ::mmap(nullptr, of_all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) return false;
  row = static_cast<char*>(got);
  if (!small.begin(row) || !large.begin(row + of_small)) return false;
  return CRYPTO_set_mem_functions(&allocate, &reallocate, &release) == 1;
}

buffers_in_use count_buffers() noexcept {
  return {small.in_use(), large.in_use()};
}

}  // namespace gateway::tls
