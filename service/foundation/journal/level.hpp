#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway::journal {

enum class level : std::uint8_t { debug, info, warning, error };

// How a line is written: for machines (one JSON object) or for people.
enum class format : std::uint8_t { json, text };

// "debug", "info", "warn", "error": what the configuration and the JSON lines say.
std::string_view to_string(level value) noexcept;
std::optional<level> parse_level(std::string_view name) noexcept;

// "json", "text"
std::optional<format> parse_format(std::string_view name) noexcept;

}  // namespace gateway::journal
