#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/errors/problem.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/shard.hpp"

namespace gateway::app {

// What an answer is to the service level indicator. bad: a 5xx that this gateway is to blame for. excluded: a 5xx that
// says what is so anyway, that this instance ends or that Podero does not serve. good: all else; a refusal by a limit
// is what was promised.
enum class verdict : std::uint8_t { good, bad, excluded };
std::string_view to_string(verdict value) noexcept;
verdict verdict_of(unsigned status, std::optional<errors::problem> problem) noexcept;

// Counts answers of one loop by account and verdict. Every series is there from the start: of a counter that is born
// with its value Prometheus sees no increase, and a burst within one scrape interval would be none.
class service_level {
 public:
  // `accounts`: their names by index.
  service_level(const metrics::gateway_metrics& families, metrics::shard& shard, std::span<const std::string> accounts);

  // `account_number`: 0 for none, else the index and one.
  void count(std::uint8_t account_number, unsigned status, std::optional<errors::problem> problem) noexcept {
    if constexpr (metrics::counting)
      counters_[account_number][static_cast<std::size_t>(verdict_of(status, problem))]->add();
  }

 private:
  std::vector<std::array<metrics::counter*, 3>> counters_;
};

}  // namespace gateway::app
