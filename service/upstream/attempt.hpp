#pragma once

#include <coroutine>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "foundation/transport/channel.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::upstream {

using opened = std::expected<std::unique_ptr<transport::channel>, std::string>;

// A connection on its way that nobody stands and waits for: it starts at once, tells when it is over, and destroying it
// ends it where it is. So several can be under way, and whoever wanted one may leave.
class attempt final : private transport::ready_item {
 public:
  // `when_over` is called by the loop, never from within the constructor, and may destroy the attempt. An exception of
  // `work` is an outcome like any other failure.
  attempt(transport::loop& loop, transport::task<opened> work, std::function<void(attempt&)> when_over);
  ~attempt() override;

  // Once it is over.
  opened& outcome() noexcept { return outcome_; }

 private:
  struct promise;
  struct started {
    using promise_type = promise;
  };
  static started go(attempt& self, transport::task<opened> work);
  void run() override;

  transport::loop& loop_;
  std::function<void(attempt&)> when_over_;
  opened outcome_;
  std::coroutine_handle<> frame_;
};

}  // namespace gateway::upstream
