#pragma once

#include <algorithm>
#include <string>

#include "store/shared_ledger.hpp"

// For the sources of shared_ledger only.
namespace gateway::store {

inline std::string micros(time::duration length) {
  return std::to_string(std::chrono::ceil<std::chrono::microseconds>(length).count());
}

inline std::string entry_of(server_instant stamp, std::uint64_t id) {
  return std::to_string(stamp) + ":" + std::to_string(id);
}

inline bool draws_from(const use& of, std::uint32_t resource) noexcept {
  return std::ranges::find(of.requests, resource) != of.requests.end() ||
         std::ranges::find(of.creations, resource) != of.creations.end();
}

}  // namespace gateway::store
