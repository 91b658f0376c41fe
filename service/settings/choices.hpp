#pragma once
// The words of every enumeration, in the order of its values.

#include "settings/configuration.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace gateway::settings {

constexpr auto choices(token_encoding) {
  return std::to_array<std::string_view>({"json", "form"});
}
constexpr auto choices(tls_version) {
  return std::to_array<std::string_view>({"1.2", "1.3"});
}
constexpr auto choices(unknown_members) {
  return std::to_array<std::string_view>({"pass", "refuse"});
}
constexpr auto choices(reuse_scope) {
  return std::to_array<std::string_view>({"caller", "account"});
}
constexpr auto choices(store_kind) {
  return std::to_array<std::string_view>({"memory", "redis"});
}
constexpr auto choices(log_level) {
  return std::to_array<std::string_view>({"trace", "debug", "info", "warn", "error"});
}
constexpr auto choices(log_format) {
  return std::to_array<std::string_view>({"json", "text"});
}

template <class T>
concept choice = requires(T value) { choices(value); };

template <choice T>
constexpr std::string_view show(T value) {
  return choices(value)[static_cast<std::size_t>(std::to_underlying(value))];
}

}  // namespace gateway::settings
