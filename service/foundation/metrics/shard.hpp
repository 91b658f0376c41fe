#pragma once

#include "foundation/metrics/catalogue.hpp"
#include "foundation/metrics/cells.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gateway::metrics {

// Cells that never move and never share a cache line with another thread's.
template <class Cell>
class cell_store {
 public:
  Cell& add() {
    if (used_ == per_line) {
      lines_.emplace_back();
      used_ = 0;
    }
    return lines_.back().cells[used_++];
  }

 private:
  static constexpr std::size_t per_line = 64 / sizeof(Cell);
  struct alignas(64) line {
    std::array<Cell, per_line> cells{};
  };
  std::deque<line> lines_;
  std::size_t used_ = per_line;
};

// One loop's counters. at() may be called from any thread (it takes a mutex, which a scrape holds for microseconds);
// what it returns lives as long as the registry and is written by the ONE thread that owns the shard.
class shard {
 public:
  using series = std::variant<const counter*, const gauge*, const histogram*>;

  explicit shard(std::span<const family_row> families) : families_{families}, series_(families.size()) {}
  shard(const shard&) = delete;
  shard& operator=(const shard&) = delete;

  // The handle for these label values, in the order of the declaration; made at the first call. Find it once and keep
  // it: it builds strings. Label values must come from a fixed set (names of the configuration, enumerations), since a
  // series is never forgotten.
  template <class Metric, std::size_t N, std::convertible_to<std::string_view>... Values>
    requires(sizeof...(Values) == N)
  Metric& at(family<Metric, N> which, const Values&... values) {
    const std::array<std::string_view, N> labels{std::string_view{values}...};
    return find_or_add(static_cast<Metric*>(nullptr), which.index, labels);
  }

  // Calls visit(label values, series) for each series of the family, holding the mutex. Any thread.
  void for_each(std::size_t index, const std::function<void(const std::vector<std::string>&, series)>& visit) const;

 private:
  using cell = std::variant<counter*, gauge*, histogram*>;
  using labels = std::span<const std::string_view>;

  counter& find_or_add(counter* tag, std::uint32_t index, labels values);
  gauge& find_or_add(gauge* tag, std::uint32_t index, labels values);
  histogram& find_or_add(histogram* tag, std::uint32_t index, labels values);

  template <class Metric, class Make>
  Metric& find_or_make(std::uint32_t index, labels values, Make make);

  std::span<const family_row> families_;
  mutable std::mutex mutex_;
  std::vector<std::map<std::vector<std::string>, cell>> series_;  // by family
  cell_store<counter> counters_;
  cell_store<gauge> gauges_;
  std::deque<histogram> histograms_;
};

}  // namespace gateway::metrics
