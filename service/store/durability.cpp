#include "store/durability.hpp"

#include <optional>

namespace gateway::store {

namespace {

// A line "name:value" of an INFO section.
std::optional<std::string_view> field(std::string_view info, std::string_view name) noexcept {
  while (!info.empty()) {
    const auto end = info.find('\n');
    auto line = info.substr(0, end);
    info.remove_prefix(end == std::string_view::npos ? info.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
  }
  return std::nullopt;
}

}  // namespace

durability read_durability(std::string_view persistence, std::string_view memory) noexcept {
  durability found;
  found.appends = field(persistence, "aof_enabled").value_or("1") == "1";
  // Without a limit nothing is ever evicted.
  const bool limited = field(memory, "maxmemory").value_or("0") != "0";
  found.evicts = limited && field(memory, "maxmemory_policy").value_or("noeviction") != "noeviction";
  return found;
}

}  // namespace gateway::store
