#pragma once

#include <string_view>

namespace gateway::store {

// What of a Redis server's settings endangers what is kept in it.
struct durability {
  bool appends = true;  // appendonly: what was acknowledged outlives a restart, but for the last second
  bool evicts = false;  // maxmemory-policy lets it drop what is not over yet, when memory is short
};

// From the answers to INFO persistence and INFO memory. What they do not say is taken to be right.
durability read_durability(std::string_view persistence, std::string_view memory) noexcept;

}  // namespace gateway::store
