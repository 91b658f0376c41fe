#pragma once

#include <cstdint>

#include "dispatch/sliding_counts.hpp"

namespace gateway::dispatch {

struct budget_options {
  double share = 0.1;                  // of the requests of the last ten seconds
  std::uint32_t floor_per_second = 1;  // beside that, so that an account with little to do may repeat at all
};

// How many attempts may be repeated, so that an upstream that fails does not get its load multiplied. Every request
// refills it, so it comes back by itself. No lock: account_health has one.
class retry_budget {
 public:
  explicit retry_budget(budget_options options) noexcept;

  void on_request(time::instant now) noexcept;
  // True: one repetition was drawn.
  bool take(time::instant now) noexcept;
  // How many repetitions `take` would grant now.
  std::uint64_t left(time::instant now) const noexcept;

 private:
  std::int64_t saved_at(time::instant now) const noexcept;
  bool take_from_share(time::instant now) noexcept;
  bool take_from_floor(time::instant now) noexcept;

  std::int64_t share_;  // of a repetition, in millionths
  std::uint32_t floor_per_second_;
  sliding_counts requests_{std::chrono::seconds{10}};
  std::int64_t saved_ = 0;            // in millionths; never more than the requests in sight have earned
  time::instant floor_used_until_{};  // as in a generic cell rate algorithm with a burst of one second
};

}  // namespace gateway::dispatch
