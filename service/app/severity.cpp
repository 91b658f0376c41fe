#include "app/severity.hpp"

#include <algorithm>
#include <bit>

namespace gateway::app {

journal::level severity_of(std::optional<errors::problem> problem) noexcept {
  using enum errors::problem;
  if (!problem) return journal::level::info;
  const auto& row = errors::row(*problem);
  if (*problem == internal_error || row.advice == errors::retry::operator_action) return journal::level::error;
  if (row.status < 500 || *problem == upstream_timeout || *problem == draining) return journal::level::info;
  return journal::level::warning;
}

journal::level severity_of_lines(std::uint64_t problems) noexcept {
  auto worst = journal::level::info;
  for (; problems != 0; problems &= problems - 1) {
    const auto one = static_cast<errors::problem>(std::countr_zero(problems));
    worst = std::max(worst, severity_of(one));
    if (errors::row(one).status >= 500) worst = std::max(worst, journal::level::warning);
  }
  return worst;
}

}  // namespace gateway::app
