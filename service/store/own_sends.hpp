#pragma once

#include <deque>
#include <vector>

#include "store/ledger.hpp"

namespace gateway::store {

// What this replica drew, for as long as it is in any window: to be told again should Redis forget it.
class own_sends {
 public:
  struct one {
    time::instant at{};  // not before the instant it was reserved for, and not later than that and the stretch
    std::uint64_t id = 0;
  };

  explicit own_sends(const ledger_rules& rules);

  void add(std::uint32_t resource, one what);
  void forget(std::uint32_t resource, std::uint64_t id);
  const std::deque<one>& of(std::uint32_t resource) const noexcept { return sends_[resource].all; }
  bool empty() const noexcept;

 private:
  struct kept {
    std::size_t most = 0;
    time::duration longest{0};
    std::deque<one> all{};  // oldest first
  };
  std::vector<kept> sends_;
};

}  // namespace gateway::store
