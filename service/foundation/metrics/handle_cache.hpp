#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace gateway::metrics {

template <class T>
struct is_key_part : std::bool_constant<std::unsigned_integral<T>> {};
template <class T>
  requires std::is_enum_v<T>
struct is_key_part<T> : std::bool_constant<std::unsigned_integral<std::underlying_type_t<T>>> {};

// Several small unsigned integers or enumerators as one key, each as wide as its type: pack(route, method, code) of
// uint8, uint8 and uint16 takes 32 bits. More than 64 bits do not compile.
template <class... Parts>
  requires(is_key_part<Parts>::value && ...)
constexpr std::uint64_t pack(Parts... parts) noexcept {
  static_assert((sizeof(Parts) + ... + 0) <= sizeof(std::uint64_t));
  std::uint64_t key = 0;
  // In two halves, since shifting 64 bits by 64 is undefined.
  ((key = ((key << (4 * sizeof(Parts))) << (4 * sizeof(Parts))) | static_cast<std::uint64_t>(parts)), ...);
  return key;
}

// From small integers to a handle without building label strings: an open-addressing table with linear probing. One per
// loop and family, beside the loop's shard; not thread-safe. It only grows, like the set of series behind it.
template <class Metric>
class handle_cache {
 public:
  // expected: how many handles it should hold before it first grows.
  explicit handle_cache(std::size_t expected = 64) { resize(std::bit_ceil(2 * (expected + 1))); }

  Metric* find(std::uint64_t key) const noexcept { return slots_[position(key)].metric; }

  // The handle of the key; at the first call what make() returns, typically shard.at(family, "names", ...).
  template <std::invocable Make>
    requires std::same_as<std::invoke_result_t<Make>, Metric&>
  Metric& get(std::uint64_t key, Make&& make) {
    if (Metric* known = find(key)) [[likely]]
      return *known;
    Metric& made = std::forward<Make>(make)();
    insert(key, made);
    return made;
  }

  std::size_t size() const noexcept { return size_; }

 private:
  struct slot {
    std::uint64_t key = 0;
    Metric* metric = nullptr;  // none: the slot is free
  };

  // Where the key is, or the free slot where it belongs. At least half of the slots are free, so it ends.
  std::size_t position(std::uint64_t key) const noexcept {
    std::size_t at = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> shift_);  // Fibonacci hashing
    while (slots_[at].metric && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void insert(std::uint64_t key, Metric& metric) {
    if (2 * (size_ + 1) > slots_.size()) resize(2 * slots_.size());
    slots_[position(key)] = {key, &metric};
    ++size_;
  }

  void resize(std::size_t slots) {
    const std::vector<slot> old = std::exchange(slots_, std::vector<slot>(slots));
    shift_ = 64 - std::countr_zero(slots);
    for (const slot& one : old) {
      if (one.metric) slots_[position(one.key)] = one;
    }
  }

  std::vector<slot> slots_;
  std::size_t size_ = 0;
  int shift_ = 0;
};

}  // namespace gateway::metrics
