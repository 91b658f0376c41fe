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
  void drop_old(time::instant now);
  const std::deque<one>& of(std::uint32_t resource) const noexcept { return sends_[resource].all; }

 private:
  struct kept {
    void drop_before(time::instant then) {
      while (!all.empty() && all.front().at < then) all.pop_front();
    }
    time::duration longest{0};  // zero: there are no windows
    std::deque<one> all{};      // oldest first
  };
  std::vector<kept> sends_;
};

}  // namespace gateway::store
