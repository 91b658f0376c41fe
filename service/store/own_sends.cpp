#include "store/own_sends.hpp"

#include <algorithm>

#include "store/tally.hpp"

namespace gateway::store {

own_sends::own_sends(const ledger_rules& rules) {
  for (const auto& one : rules.resources) {
    auto& made = sends_.emplace_back();
    for (const auto& window : one.windows) made.longest = std::max(made.longest, window.per + stretch_of(window, one));
  }
}

void own_sends::add(std::uint32_t resource, one what) {
  auto& kept = sends_[resource];
  if (kept.longest == time::duration{0}) return;
  kept.all.push_back(what);
  kept.drop_before(what.at - kept.longest);
}

// A slower pace would ask for older ones. It is no promise, and a history that is told again may be long.
void own_sends::drop_old(time::instant now) {
  for (auto& kept : sends_) kept.drop_before(now - kept.longest);
}

void own_sends::forget(std::uint32_t resource, std::uint64_t id) {
  std::erase_if(sends_[resource].all, [id](const one& o) { return o.id == id; });
}

}  // namespace gateway::store
