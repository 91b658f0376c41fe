#include "upstream/attempt.hpp"

#include <exception>

#include "foundation/transport/frame_cache.hpp"

namespace gateway::upstream {

struct attempt::promise {
  promise(attempt& self, const transport::task<opened>&) noexcept {
    self.frame_ = std::coroutine_handle<promise>::from_promise(*this);
  }
  started get_return_object() noexcept { return {}; }
  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_always final_suspend() noexcept { return {}; }  // the attempt destroys its frame, from outside of it
  void return_void() noexcept {}
  void unhandled_exception() noexcept { std::terminate(); }  // `go` catches what there is to catch

  static void* operator new(std::size_t size) { return transport::frame_cache::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept {
    transport::frame_cache::release(memory, size);
  }
};

attempt::attempt(transport::loop& loop, transport::task<opened> work, std::function<void(attempt&)> when_over)
    : loop_{loop}, when_over_{std::move(when_over)} {
  go(*this, std::move(work));
}

attempt::~attempt() {
  if (frame_) frame_.destroy();
}

attempt::started attempt::go(attempt& self, transport::task<opened> work) {
  try {
    self.outcome_ = co_await std::move(work);
  } catch (const std::exception& failure) {
    self.outcome_ = std::unexpected{std::string{failure.what()}};
  }
  self.loop_.ready().push(self);
}

void attempt::run() {
  const auto tell = std::move(when_over_);  // it may destroy us
  tell(*this);
}

}  // namespace gateway::upstream
