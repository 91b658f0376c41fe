#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace simulator {

// What a request asks for, as counters, the log and fault rules name it.
enum class operation : std::uint8_t { token, create, read, users, devices, connect, other };

inline constexpr std::size_t operation_count = 7;
inline constexpr std::array<std::string_view, operation_count> operation_names{"token",   "create",  "read", "users",
                                                                               "devices", "connect", "other"};

constexpr std::string_view to_string(operation op) noexcept {
  return operation_names[static_cast<std::size_t>(op)];
}

constexpr std::optional<operation> operation_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < operation_count; ++i)
    if (operation_names[i] == name) return static_cast<operation>(i);
  return std::nullopt;
}

inline constexpr std::string_view api_prefix = "/api/partners/v2.0/";

operation classify(std::string_view method, std::string_view target) noexcept;

}  // namespace simulator
