#include "store/own_sends.hpp"

#include <algorithm>

#include "store/tally.hpp"

namespace gateway::store {

own_sends::own_sends(const ledger_rules& rules) {
  for (const auto& one : rules.resources) {
    auto& made = sends_.emplace_back();
    made.most = largest_rate(one);
    for (const auto& window : one.windows) made.longest = std::max(made.longest, window.per + stretch_of(window, one));
  }
}

void own_sends::add(std::uint32_t resource, one what) {
  auto& kept = sends_[resource];
  if (kept.most == 0) return;
  kept.all.push_back(what);
  // A slower pace asks for older ones, but never for more of them than the largest window admits.
  while (kept.all.size() > kept.most && kept.all.front().at + kept.longest < what.at) kept.all.pop_front();
}

void own_sends::forget(std::uint32_t resource, std::uint64_t id) {
  std::erase_if(sends_[resource].all, [id](const one& o) { return o.id == id; });
}

bool own_sends::empty() const noexcept {
  return std::ranges::all_of(sends_, [](const kept& k) { return k.all.empty(); });
}

}  // namespace gateway::store
