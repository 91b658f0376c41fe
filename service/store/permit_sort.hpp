#pragma once

#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "store/ledger.hpp"
#include "store/shared_options.hpp"

namespace gateway::store {

// Permits of which one is as good as another.
struct permit_sort {
  std::size_t account = 0;
  std::size_t caller = 0;  // meaningful only where it matters
  bool slot = false;
  boost::container::static_vector<std::uint32_t, 3> requests{};
  boost::container::static_vector<std::uint32_t, 3> creations{};

  permit_sort(const use& of, const shared_options& options)
      : account{of.account}, slot{of.slot}, requests{of.requests}, creations{of.creations} {
    const auto own = [&](std::uint32_t resource) { return options.resources[resource].of_caller; };
    const bool matters =
        of.slot || of.most_slots || std::ranges::any_of(requests, own) || std::ranges::any_of(creations, own);
    caller = matters ? of.caller : 0;
  }
  friend auto operator<=>(const permit_sort& a, const permit_sort& b) noexcept {
    if (const auto by = a.account <=> b.account; by != 0) return by;
    if (const auto by = a.caller <=> b.caller; by != 0) return by;
    if (const auto by = a.slot <=> b.slot; by != 0) return by;
    if (const auto by = std::lexicographical_compare_three_way(a.requests.begin(), a.requests.end(), b.requests.begin(),
                                                               b.requests.end());
        by != 0)
      return by;
    return std::lexicographical_compare_three_way(a.creations.begin(), a.creations.end(), b.creations.begin(),
                                                  b.creations.end());
  }
};

}  // namespace gateway::store
