#pragma once
// Dates and durations as they stand in headers, bodies and options.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace simulator {

using wall_instant = std::chrono::system_clock::time_point;

std::string iso_date(std::chrono::sys_days day);  // 2024-08-24
std::string iso_instant(wall_instant when);       // 2024-08-24T21:00:00.123456789Z
std::string http_date(wall_instant when);         // Sat, 24 Aug 2024 21:00:00 GMT

// "250ms", "5s", "15m", "24h"; nothing for anything else.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// "1/10s": at most 1 in every interval of ten seconds.
struct rate {
  std::size_t count = 0;
  std::chrono::milliseconds per{0};
};
std::optional<rate> parse_rate(std::string_view text);

}  // namespace simulator
