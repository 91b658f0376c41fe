#pragma once

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <utility>

#include "foundation/time/deadline_queue.hpp"
#include "foundation/transport/ready_list.hpp"

namespace gateway::transport {

enum class interest : std::uint8_t { read = 1, write = 2 };

// Why a wait ended.
enum class wake : std::uint8_t { ready, timed_out, cancelled };

// What is known about whether a channel can be read or written, and the one coroutine that waits for it. Events arrive
// from the loop (a socket's edge, a peer in memory) through `signal`; deadlines and shutdown through `interrupt`.
class readiness final : public ready_item {
 public:
  explicit readiness(ready_list& list) noexcept : list_{&list} {}

  static constexpr std::uint8_t readable = 1;
  static constexpr std::uint8_t writable = 2;
  static constexpr std::uint8_t hung_up = 4;  // the peer will send no more: FIN, reset or error

  bool has(std::uint8_t flags) const noexcept { return (flags_ & flags) == flags; }
  void clear(std::uint8_t flags) noexcept { flags_ &= static_cast<std::uint8_t>(~flags); }

  // Something happened: whoever waits for it runs next. An observer hears of it where nobody waits.
  void signal(std::uint8_t flags) noexcept {
    flags_ |= flags;
    if (concerns_waiter() || observer_ != nullptr) list_->push(*this);
  }

  // Ends the present wait, or the next one. A time-out stays until `forgive`, a cancellation for good.
  void interrupt(wake why) noexcept {
    if (interrupted_ != wake::cancelled) interrupted_ = why;
    list_->push(*this);
  }
  // It is over for good.
  bool cancelled() const noexcept { return interrupted_ == wake::cancelled; }
  // The deadline was moved: an old time-out no longer counts.
  void forgive() noexcept {
    if (interrupted_ == wake::timed_out) interrupted_ = wake::ready;
  }

  // Told when something happens while nobody waits: an idle connection that the server closes, a caller that leaves.
  class observer {
   public:
    virtual void channel_event() = 0;

   protected:
    ~observer() = default;
  };
  void observe(observer* who) noexcept { observer_ = who; }

  // Waits until `what` is possible. One waiter at a time, and the channel outlives it.
  auto wait(interest what) noexcept {
    struct awaiter {
      readiness& self;
      interest what;
      ~awaiter() { self.waiting_ = {}; }
      bool await_ready() const noexcept {
        return self.interrupted_ != wake::ready || (self.flags_ & std::to_underlying(what)) != 0;
      }
      void await_suspend(std::coroutine_handle<> who) noexcept {
        assert(!self.waiting_);
        self.waiting_ = who;
        self.wanted_ = std::to_underlying(what);
      }
      wake await_resume() const noexcept { return self.interrupted_; }
    };
    return awaiter{*this, what};
  }

  void run() override {
    if (waiting_ && (concerns_waiter() || interrupted_ != wake::ready)) {
      std::exchange(waiting_, {}).resume();
    } else if (!waiting_ && observer_ != nullptr) {
      observer_->channel_event();
    }
  }

 private:
  bool concerns_waiter() const noexcept { return waiting_ && (flags_ & (wanted_ | hung_up)) != 0; }

  ready_list* list_;
  std::coroutine_handle<> waiting_;
  observer* observer_ = nullptr;
  std::uint8_t flags_ = 0;
  std::uint8_t wanted_ = 0;
  wake interrupted_ = wake::ready;
};

// The one deadline of a connection: when it passes, the wait on the channel ends with wake::timed_out.
class watchdog final : public time::deadline {
 public:
  explicit watchdog(readiness& guarded) noexcept : guarded_{guarded} {}
  void set(time::deadline_queue& queue, time::instant expiry) {
    guarded_.forgive();
    arm(queue, expiry);
  }
  void stop() noexcept {
    disarm();
    guarded_.forgive();
  }

 private:
  void expired() override { guarded_.interrupt(wake::timed_out); }
  readiness& guarded_;
};

}  // namespace gateway::transport
