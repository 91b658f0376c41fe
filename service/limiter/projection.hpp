#pragma once

#include <vector>

#include "store/ledger.hpp"

namespace gateway::limiter {

// The ledger as it would be if further permits were drawn and sent at once, at instants to come: only what is added is
// written down, beside the ledger's own history. Outstanding permits count as sent when the projection begins.
class projection {
 public:
  explicit projection(store::ledger& of);

  void begin(time::instant now);
  // As another one stands; of the same ledger.
  void begin(const projection& like);

  // From when on a permit can be drawn; may lie in the past.
  store::opening opens(const store::use& of) const;
  // So many permits could be drawn at the instant at which it begins, one after the other. False also where it would
  // take more than a look at the windows to say so.
  bool has_room(const store::use& of, std::size_t permits) const;
  void take(const store::use& of, time::instant at);

 private:
  struct added {
    std::uint64_t turn = 0;             // of which projection; an older one's is none
    std::vector<time::instant> sent{};  // oldest first
  };
  struct held {
    std::size_t account = 0;
    std::size_t caller = 0;
    time::instant until{};
  };

  const std::vector<time::instant>& added_to(std::uint32_t resource) const;
  void add(std::uint32_t resource, time::instant at);
  void window(std::uint32_t resource, std::size_t before, store::opening& latest) const;
  time::instant own_slot(const store::use& of) const;

  store::ledger* ledger_;
  time::instant now_{};
  std::uint64_t turn_ = 1;
  std::vector<added> added_;
  std::vector<std::uint32_t> touched_;
  std::vector<held> slots_;  // taken in the projection, in the order of their ends, which is after all held ones'
};

}  // namespace gateway::limiter
