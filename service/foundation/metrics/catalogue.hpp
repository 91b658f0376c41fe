#pragma once

#include "foundation/metrics/cells.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::metrics {

enum class kind : std::uint8_t { counter, gauge, histogram };

// How the gauges of several loops become one: a number of things adds up, the worst of them does not.
enum class fold : std::uint8_t { sum, max, min };

struct family_row {
  std::string name;  // with the prefix
  std::string help;
  metrics::kind kind;
  metrics::fold fold;
  std::vector<std::string> labels;
  std::vector<std::int64_t> bounds;  // nanoseconds; histograms only
};

// Names one family of a catalogue: what it counts with, and how many labels a series of it must be given.
template <class Metric, std::size_t Labels>
struct family {
  std::uint32_t index;
};

// From a tenth of a millisecond (a local answer) to three minutes: who waits for a slot of a test account may do so for
// more than two, and a quantile of what lies beyond the last bound would read as the last bound.
inline constexpr std::array<std::chrono::nanoseconds, 22> latency_bounds = [] {
  using namespace std::chrono_literals;
  return std::array<std::chrono::nanoseconds, 22>{100us, 250us, 500us, 1ms,   2500us, 5ms,    10ms, 25ms,
                                                  50ms,  100ms, 250ms, 500ms, 1s,     2500ms, 5s,   10s,
                                                  15s,   30s,   60s,   90s,   120s,   180s};
}();

// Every family is declared once, at start-up, before the first shard exists. Not thread-safe.
// The functions throw std::logic_error, naming the family, for what promtool would complain about: a name or label out
// of [a-z0-9_], a counter that does not end in _total (or another that does), a second family of the same name, no
// help, bounds that do not ascend.
class catalogue {
 public:
  explicit catalogue(std::string_view prefix = "onboarding_gateway_") : prefix_{prefix} {}

  family<counter, 0> add_counter(std::string_view name, std::string_view help) {
    return {add(kind::counter, name, help, {}, fold::sum, {})};
  }
  template <std::size_t N>
  family<counter, N> add_counter(std::string_view name, std::string_view help, const std::string_view (&labels)[N]) {
    return {add(kind::counter, name, help, labels, fold::sum, {})};
  }

  family<gauge, 0> add_gauge(std::string_view name, std::string_view help, fold how = fold::sum) {
    return {add(kind::gauge, name, help, {}, how, {})};
  }
  template <std::size_t N>
  family<gauge, N> add_gauge(std::string_view name, std::string_view help, const std::string_view (&labels)[N],
                             fold how = fold::sum) {
    return {add(kind::gauge, name, help, labels, how, {})};
  }

  family<histogram, 0> add_histogram(std::string_view name, std::string_view help,
                                     std::span<const std::chrono::nanoseconds> bounds = latency_bounds) {
    return {add(kind::histogram, name, help, {}, fold::sum, bounds)};
  }
  template <std::size_t N>
  family<histogram, N> add_histogram(std::string_view name, std::string_view help, const std::string_view (&labels)[N],
                                     std::span<const std::chrono::nanoseconds> bounds = latency_bounds) {
    return {add(kind::histogram, name, help, labels, fold::sum, bounds)};
  }

  std::string_view prefix() const noexcept { return prefix_; }
  std::span<const family_row> rows() const noexcept { return rows_; }

 private:
  std::uint32_t add(kind what, std::string_view name, std::string_view help, std::span<const std::string_view> labels,
                    fold how, std::span<const std::chrono::nanoseconds> bounds);

  std::string prefix_;
  std::vector<family_row> rows_;
};

}  // namespace gateway::metrics
