#include "app/service_level.hpp"

namespace gateway::app {

std::string_view to_string(verdict value) noexcept {
  switch (value) {
    case verdict::good:
      return "good";
    case verdict::bad:
      return "bad";
    case verdict::excluded:
      return "excluded";
  }
  return {};
}

verdict verdict_of(unsigned status, std::optional<errors::problem> problem) noexcept {
  if (status < 500) return verdict::good;
  if (!problem) return verdict::bad;
  const auto name = errors::row(*problem).name;
  return name == "draining" || name.starts_with("upstream-") ? verdict::excluded : verdict::bad;
}

service_level::service_level(const metrics::gateway_metrics& families, metrics::shard& shard,
                             std::span<const std::string> accounts) {
  const auto of = [&](std::string_view account) {
    std::array<metrics::counter*, 3> made{};
    for (const auto each : {verdict::good, verdict::bad, verdict::excluded})
      made.at(static_cast<std::size_t>(each)) =
          &shard.at(families.service_level_requests_total, account, to_string(each));
    return made;
  };
  counters_.push_back(of(""));
  for (const auto& account : accounts) counters_.push_back(of(account));
}

}  // namespace gateway::app
