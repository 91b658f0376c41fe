#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "foundation/transport/ready_list.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::transport {

// Whether somebody on whose behalf work is done has left. Of one loop.
class departure {
 public:
  // What wants to hear of it while it waits for something else; at most one at a time.
  class listener : public ready_item {};

  bool happened() const noexcept { return happened_; }
  // Whoever listens runs next.
  void happen(ready_list& list) noexcept {
    happened_ = true;
    if (listener_ != nullptr) list.push(*listener_);
  }
  // For the next one. Nobody may be listening.
  void reset() noexcept { happened_ = false; }
  void listen(listener* who) noexcept { listener_ = who; }

 private:
  listener* listener_ = nullptr;
  bool happened_ = false;
};

// Awaits `work`, unless `who` has left or leaves meanwhile: then the work is destroyed where it stands, with whatever
// it waits for and holds, and the result is empty. Without `who` nobody can leave. `or_who`: another one.
template <typename T>
auto unless_gone(task<T> work, departure* who, departure* or_who = nullptr) {
  class awaiter final : public departure::listener {
   public:
    awaiter(task<T> work, departure* who, departure* or_who) noexcept
        : work_{std::move(work)}, who_{who}, or_who_{or_who} {}
    ~awaiter() override { stop_listening(); }

    bool await_ready() const noexcept { return happened(who_) || happened(or_who_); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      waiting_ = caller;
      listen(this);
      started_.emplace(std::move(work_).operator co_await());
      return started_->await_suspend(caller);
    }
    std::optional<T> await_resume() {
      stop_listening();
      if (!started_ || !started_->frame.done()) return std::nullopt;
      return started_->await_resume();
    }
    void run() override {
      if (waiting_) std::exchange(waiting_, {}).resume();
    }

   private:
    static bool happened(const departure* one) noexcept { return one != nullptr && one->happened(); }
    void listen(departure::listener* as) noexcept {
      if (who_ != nullptr) who_->listen(as);
      if (or_who_ != nullptr) or_who_->listen(as);
    }
    using started = decltype(std::declval<task<T>>().operator co_await());
    void stop_listening() noexcept {
      waiting_ = {};
      if (started_) listen(nullptr);
      unlink_if_linked();
    }
    void unlink_if_linked() noexcept {
      if (is_linked()) unlink();
    }

    task<T> work_;
    departure* who_;
    departure* or_who_;
    std::optional<started> started_;
    std::coroutine_handle<> waiting_;
  };
  return awaiter{std::move(work), who, or_who};
}

}  // namespace gateway::transport
