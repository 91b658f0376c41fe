#pragma once

#include "foundation/metrics/registry.hpp"

#include <string>
#include <string_view>

namespace gateway::metrics {

// The OpenMetrics text format, version 1.0.0, which has room for exemplars; prometheus-cpp writes the older one only.
// The same names, labels and values as that one, `le` included, so that a series is one series whoever scrapes. Any
// thread.
std::string render_open(const registry& what);
inline constexpr std::string_view open_content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";

}  // namespace gateway::metrics
