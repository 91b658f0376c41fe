#pragma once

#include <cstdint>

#include "foundation/time/clock.hpp"

namespace gateway::store {

// An instant of the server's clock, in microseconds.
using server_instant = std::int64_t;

// What is known of another machine's clock from what it answered: where it stood at some moment between the question
// and the answer. The bounds of the difference to the own clock become tighter with every answer, and wider with time,
// as clocks drift apart by 500 ppm at most.
class server_clock {
 public:
  // False: it has jumped, or ours has; begins anew with this answer.
  bool heard(server_instant at, time::instant asked, time::instant received) noexcept;
  void forget() noexcept { known_ = false; }
  bool known() const noexcept { return known_; }

  // About when it is `at` there; the same for the same instant until `heard` moves it.
  time::instant local(server_instant at) const noexcept;
  // What it shows there at `at`, at the latest.
  server_instant latest(time::instant at) const noexcept;

 private:
  bool known_ = false;
  time::instant heard_{};
  // Ours minus theirs.
  time::duration least_{0};
  time::duration most_{0};
  time::duration taken_{0};  // one between them, changed as seldom as possible
};

}  // namespace gateway::store
