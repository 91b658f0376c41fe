#pragma once

#include <algorithm>

#include "foundation/time/clock.hpp"

namespace gateway::store {

// An account's pause, and what remains of it in the account's pace: with every pause that Podero asks for all its
// windows become longer by a factor, which comes back to 1 step by step.
class pace {
 public:
  static constexpr double longest = 8.0;
  static constexpr time::duration step = std::chrono::seconds{30};  // the excess over 1 is halved after each

  explicit pace(time::duration longest_pause) noexcept : longest_pause_{longest_pause} {}

  // Nobody goes before `until`. A pause never becomes shorter, and never longer than the longest one from now. Further
  // requests to wait during a pause are about the same trouble: they make it longer, not the pace slower.
  void pause(time::instant until, time::instant now) noexcept;
  // The same by an operator, who has reasons of his own: nothing becomes slower by it. What Podero asks for meanwhile
  // counts as ever.
  void hold(time::instant until, time::instant now) noexcept;
  // The pause is over; the pace comes back from now on.
  void resume(time::instant now) noexcept;

  // Another longest pause; one under way ends by it.
  void cap(time::duration longest_pause, time::instant now) noexcept {
    longest_pause_ = longest_pause;
    if (until_ > now) until_ = std::min(until_, now + longest_pause);
  }

  // As another ledger has it: when the pause ends, and the factor of the first step.
  void replace(time::instant until, double worst) noexcept {
    until_ = until;
    worst_ = worst;
  }

  time::instant paused_until() const noexcept { return until_; }
  double slow_down(time::instant now) const noexcept;

  // When what was sent at `stamp` has left a window of `per`, made longer by `stretch`; not before `now`. The pace at
  // that instant counts, not today's.
  time::instant left(time::instant stamp, time::duration per, time::duration stretch, time::instant now) const noexcept;

 private:
  void go_on_until(time::instant until, time::instant now) noexcept;

  time::duration longest_pause_;
  time::instant until_{};  // also from when on the pace comes back
  double worst_ = 1.0;     // the factor of the first step
};

}  // namespace gateway::store
