#pragma once

#include <string_view>

#include "foundation/time/clock.hpp"
#include "store/redis/server_facts.hpp"
#include "store/redis/trouble.hpp"

namespace gateway::store::redis {

// Hears what becomes of a connection and its commands: for the log and the metrics. On the loop of whoever it watches;
// it must not call it. No reason holds a secret.
class observer {
 public:
  virtual ~observer() = default;
  virtual void connected(const server_facts& facts) noexcept = 0;
  // A connection did not come up; it is tried again after `again_in`.
  virtual void connect_failed(std::string_view reason, time::duration again_in) noexcept = 0;
  // One that was up is over; a new one is tried after `again_in`.
  virtual void disconnected(std::string_view reason, time::duration again_in) noexcept = 0;
  // A command or script of that name has ended for whoever asked, `took` after it was asked; `why` is null where a
  // reply came. Not called for one that was refused as unreachable, nor for one whose asker left.
  virtual void ended(std::string_view name, time::duration took, const trouble* why) noexcept = 0;
};

}  // namespace gateway::store::redis
