#pragma once

#include <vector>

#include "store/ledger.hpp"

namespace gateway::store {

// The books of a ledger: what was sent, the pace, the slots.
struct tally {
  explicit tally(ledger_rules of);

  // From when on a permit can be drawn, by what is written here.
  opening opens(const use& of, time::instant now);
  // Other rules for the same things, of which there may be more at the end. Nothing that was counted is lost.
  void change(ledger_rules to, time::instant now);
  // Once per resource that a permit draws from.
  template <typename What>
  void each(const use& of, const What& what) {
    for (const auto resource : of.requests) what(histories[resource]);
    for (const auto resource : of.creations) what(histories[resource]);
  }

  ledger_rules rules;
  std::vector<history> histories;  // by resource
  std::vector<pace> paces;         // by account
  slot_book slots;
};

// As many permits as the largest of a resource's windows admits.
std::uint32_t largest_rate(const resource& of) noexcept;

}  // namespace gateway::store
