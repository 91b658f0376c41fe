#include "app/severity.hpp"

namespace gateway::app {

journal::level severity_of(std::optional<errors::problem> problem) noexcept {
  using enum errors::problem;
  if (!problem) return journal::level::info;
  const auto& row = errors::row(*problem);
  if (*problem == internal_error || row.advice == errors::retry::operator_action) return journal::level::error;
  if (row.status < 500 || *problem == upstream_timeout || *problem == draining) return journal::level::info;
  return journal::level::warning;
}

}  // namespace gateway::app
