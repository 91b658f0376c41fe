#pragma once

#include "foundation/metrics/registry.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace gateway::metrics {

// The OpenMetrics text format, version 1.0.0, which has room for exemplars; prometheus-cpp writes the older one only.
// The same names, labels and values as that one, `le` included, so that a series is one series whoever scrapes. Any
// thread.
std::string render_open(const registry& what);
inline constexpr std::string_view open_content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Whether an Accept header asks for it. One that only allows it (`*/*`) does not. Pure.
bool asks_for_open_metrics(std::optional<std::string_view> accept) noexcept;

}  // namespace gateway::metrics
