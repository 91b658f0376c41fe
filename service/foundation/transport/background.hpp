#pragma once

#include <coroutine>
#include <exception>
#include <utility>

#include "foundation/transport/frame_cache.hpp"
#include "foundation/transport/task.hpp"

namespace gateway::transport {

// A coroutine that nobody awaits and that belongs to an object: it starts at once, and destroying this destroys it
// where it stands, with whatever it waits for. The work must not throw and must not destroy its owner.
class background {
 public:
  explicit background(task<> work) : frame_{go(std::move(work)).frame} {}
  ~background() { frame_.destroy(); }
  background(const background&) = delete;
  background& operator=(const background&) = delete;

 private:
  struct started;
  struct promise {
    inline started get_return_object() noexcept;
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }  // the owner destroys it
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }

    static void* operator new(std::size_t size) { return frame_cache::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { frame_cache::release(memory, size); }
  };
  struct started {
    using promise_type = promise;
    std::coroutine_handle<promise> frame;
  };
  static started go(task<> work) { co_await std::move(work); }

  std::coroutine_handle<promise> frame_;
};

inline background::started background::promise::get_return_object() noexcept {
  return {std::coroutine_handle<promise>::from_promise(*this)};
}

}  // namespace gateway::transport
