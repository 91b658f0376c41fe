#pragma once

#include <algorithm>
#include <utility>

#include "foundation/time/clock.hpp"

namespace gateway::store {

// How long to wait before one looks again at what another replica may have changed. Doubles, up to a limit.
class polling {
 public:
  explicit polling(time::duration first = std::chrono::milliseconds{250},
                   time::duration most = std::chrono::seconds{1}) noexcept
      : next_{first}, most_{most} {}

  time::duration next() noexcept { return std::exchange(next_, std::min(2 * next_, most_)); }

 private:
  time::duration next_;
  time::duration most_;
};

}  // namespace gateway::store
