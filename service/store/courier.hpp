#pragma once

#include "foundation/transport/task.hpp"
#include "store/redis/client.hpp"
#include "store/shared_options.hpp"

namespace gateway::store {

// Takes the orders of shared ledgers to the store, and brings the answers back. Of one loop.
class courier {
 public:
  virtual ~courier() = default;
  // Ends by the order's deadline. Destroying the task is enough to stop waiting.
  virtual transport::task<redis::outcome> carry(const order& what) = 0;
};

class redis_courier final : public courier {
 public:
  explicit redis_courier(redis::client& way) noexcept : way_{way} {}
  transport::task<redis::outcome> carry(const order& what) override { return way_.run(what.call(), what.deadline); }

 private:
  redis::client& way_;
};

}  // namespace gateway::store
