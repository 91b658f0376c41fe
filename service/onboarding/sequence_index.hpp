#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gateway::onboarding {

// Finds by their hashes the things of a sequence that grows at its end and is shortened at its beginning. A cache of as
// many ways as entries go into a line of memory (a set-associative one), in which an entry of what has left the
// sequence is as good as none: so nothing is ever taken out, and where things are many, in no cache, and mostly not
// there, asking for one and appending it touches one line. One thread at a time.
class sequence_index {
 public:
  // `lines` is asked for large pieces as it grows, `crowded` for a small one now and then. Both outlive it.
  sequence_index(std::pmr::memory_resource* lines, std::pmr::memory_resource* crowded)
      : lines_(8, lines), crowded_{crowded} {}

  // The place in the sequence, from 0 at its beginning, of the one of this hash for which `is` holds.
  template <std::predicate<std::size_t> Is>
  std::optional<std::size_t> find(std::uint32_t hash, Is is) const {
    for (const auto& one : lines_[home(hash)])
      if (one.hash == hash && counts(one.number) && is(place_of(one.number))) return place_of(one.number);
    if (crowded_.empty()) return std::nullopt;
    const auto [begin, end] = crowded_.equal_range(hash);
    for (auto at = begin; at != end; ++at)
      if (counts(at->second) && is(place_of(at->second))) return place_of(at->second);
    return std::nullopt;
  }

  // The sequence has one more at its end.
  void append(std::uint32_t hash) {
    if (size() * 4 >= lines_.size() * ways) grow();
    const auto number = static_cast<std::uint32_t>(end_);
    put({.hash = hash, .number = number});
    ++end_;
  }
  // The sequence has no longer its first.
  void forget_first() noexcept { ++begin_; }

  // It will be asked for this soon: what that reads is brought near meanwhile.
  void fetch(std::uint32_t hash) const noexcept { __builtin_prefetch(&lines_[home(hash)], 1); }

  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
  // How many have left the sequence.
  std::uint64_t forgotten() const noexcept { return begin_ - 1; }

 private:
  static constexpr std::size_t ways = 8;
  // The number is the lower half of the thing's own, in the order in which they came; those that have left may seem
  // to be there again after 2^32 others, and are only asked for in vain.
  struct entry {
    std::uint32_t hash = 0;
    std::uint32_t number = 0;
  };
  struct alignas(ways * sizeof(entry)) line : std::array<entry, ways> {};

  std::size_t home(std::uint32_t hash) const noexcept { return hash & (lines_.size() - 1); }
  std::size_t place_of(std::uint32_t number) const noexcept { return number - static_cast<std::uint32_t>(begin_); }
  bool counts(std::uint32_t number) const noexcept { return place_of(number) < size(); }

  void put(entry what) {
    for (auto& one : lines_[home(what.hash)]) {
      if (counts(one.number)) continue;
      one = what;
      return;
    }
    // A quarter of the entries count at most: one in a thousand comes to this.
    if (crowded_.size() == most_crowded_) {
      std::erase_if(crowded_, [this](const auto& one) { return !counts(one.second); });
      most_crowded_ = 2 * crowded_.size() + 16;
    }
    crowded_.emplace(what.hash, what.number);
  }

  void grow() {
    std::pmr::vector<line> lines(2 * lines_.size(), lines_.get_allocator());
    lines_.swap(lines);
    const auto crowded = std::move(crowded_);
    crowded_.clear();
    for (const auto& each : lines)
      for (const auto& one : each)
        if (counts(one.number)) put(one);
    for (const auto& [hash, number] : crowded)
      if (counts(number)) put({.hash = hash, .number = number});
  }

  std::pmr::vector<line> lines_;                                        // a power of two
  std::pmr::unordered_multimap<std::uint32_t, std::uint32_t> crowded_;  // numbers by hash: where the line was full
  std::size_t most_crowded_ = 16;                                       // before those are looked for that have left
  std::uint64_t begin_ = 1;
  std::uint64_t end_ = 1;
};

}  // namespace gateway::onboarding
