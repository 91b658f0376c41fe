#include "foundation/journal/level.hpp"

namespace gateway::journal {

std::string_view to_string(level value) noexcept {
  switch (value) {
    case level::debug:
      return "debug";
    case level::info:
      return "info";
    case level::warning:
      return "warn";
    case level::error:
      return "error";
  }
  return "error";
}

std::optional<level> parse_level(std::string_view name) noexcept {
  for (const level value : {level::debug, level::info, level::warning, level::error}) {
    if (to_string(value) == name) return value;
  }
  return std::nullopt;
}

std::optional<format> parse_format(std::string_view name) noexcept {
  if (name == "json") return format::json;
  if (name == "text") return format::text;
  return std::nullopt;
}

}  // namespace gateway::journal
