#pragma once

#include <coroutine>
#include <utility>

#include "foundation/time/deadline_queue.hpp"
#include "foundation/transport/readiness.hpp"
#include "foundation/transport/ready_list.hpp"

namespace gateway::transport {

// A place where one coroutine waits for something that is no channel (a token, a connection, a permit), until it is
// woken or its deadline passes. Lives in the waiting coroutine's frame; whoever wakes it must be on the same loop.
class parking final : public ready_item, private time::deadline {
 public:
  explicit parking(ready_list& list) noexcept : list_{list} {}

  // The waiter runs next, with `why`. The first wake counts.
  void wake_up(wake why = wake::ready) noexcept {
    if (woken_) return;
    woken_ = true;
    why_ = why;
    disarm();
    list_.push(*this);
  }
  bool woken() const noexcept { return woken_; }

  // Waits until woken or until `expiry`.
  auto wait(time::deadline_queue& queue, time::instant expiry) {
    struct awaiter {
      parking& self;
      ~awaiter() { self.waiting_ = {}; }
      bool await_ready() const noexcept { return self.woken_; }
      void await_suspend(std::coroutine_handle<> who) noexcept { self.waiting_ = who; }
      wake await_resume() const noexcept { return self.why_; }
    };
    if (!woken_) arm(queue, expiry);
    return awaiter{*this};
  }

  void run() override {
    if (waiting_) std::exchange(waiting_, {}).resume();
  }

 private:
  void expired() override { wake_up(wake::timed_out); }

  ready_list& list_;
  std::coroutine_handle<> waiting_;
  wake why_ = wake::ready;
  bool woken_ = false;
};

}  // namespace gateway::transport
