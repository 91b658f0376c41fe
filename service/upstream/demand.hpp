#pragma once

#include <cstddef>

#include "foundation/time/clock.hpp"

namespace gateway::upstream {

// The largest number of connections that were busy at once, lately: exact for the present window and the one before.
class recent_peak {
 public:
  explicit recent_peak(time::duration window) noexcept : window_{window} {}
  void note(std::size_t busy, time::instant now) noexcept;
  std::size_t at(time::instant now) const noexcept;

 private:
  time::duration window_;
  time::instant began_{};
  std::size_t present_ = 0;
  std::size_t before_ = 0;
};

struct pool_facts {
  std::size_t idle = 0;
  std::size_t busy = 0;
  std::size_t connecting = 0;
  std::size_t waiting = 0;
  std::size_t peak = 0;   // of busy ones, lately
  bool reachable = true;  // the last connection that was opened came up
};

// How many connections to open ahead of need, after one that served was closed: so many that `ready` can be used at
// once, where the recent peak needed as many. None where somebody waits anyway, or where opening does not work.
std::size_t connections_to_prepare(const pool_facts& facts, std::size_t ready) noexcept;

}  // namespace gateway::upstream
