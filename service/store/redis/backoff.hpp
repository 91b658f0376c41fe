#pragma once

#include "foundation/time/clock.hpp"

namespace gateway::store::redis {

struct backoff_options {
  time::duration first = std::chrono::milliseconds{100};
  time::duration most = std::chrono::seconds{5};
};

// How long to wait before the next attempt to connect: exponential, with equal jitter (evenly in the upper half), so
// that many replicas do not come back at once. Starts over only after a connection that has lasted: one that is dropped
// at once, because the server refuses to work, is no success.
class backoff {
 public:
  explicit backoff(backoff_options options) noexcept : options_{options}, full_{options.first} {}

  // After an attempt that failed. `uniform` in [0, 1).
  time::duration failed(double uniform) noexcept;
  // After a connection that lasted so long.
  time::duration ended(time::duration lasted, double uniform) noexcept;

 private:
  backoff_options options_;
  time::duration full_;
};

}  // namespace gateway::store::redis
