#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "foundation/transport/frame_cache.hpp"

namespace gateway::transport {

template <typename T>
class task;

// co_return made{[&] { return ...; }}: the result is made where it stays. As an expression of the coroutine it would
// have room in its frame, for as long as that is there.
template <typename Make>
struct made {
  Make make;
};
template <typename Make>
made(Make) -> made<Make>;

namespace detail {

struct promise_base {
  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr error;

  static void* operator new(std::size_t size) { return frame_cache::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { frame_cache::release(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct final_awaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) noexcept {
      return finished.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  final_awaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

// A result that is large, as whatever may be a failure and all that there is to say of it: it has memory from
// `co_return` until its task is gone. As a part of the frame it would have it for as long as the coroutine waits, on
// every level.
template <typename T>
class apart {
 public:
  apart() = default;
  apart(const apart&) = delete;
  apart& operator=(const apart&) = delete;
  ~apart() { reset(); }

  template <typename U>
  void emplace(U&& result) {
    construct([&]() -> U&& { return std::forward<U>(result); });
  }
  template <typename Make>
  [[gnu::noinline]] void emplace(made<Make>&& result) {
    construct(result.make);
  }
  T& operator*() noexcept { return *at_; }

 private:
  template <typename Make>
  void construct(const Make& make) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    reset();
    void* const memory = frame_cache::allocate(sizeof(T));
    try {
      at_ = new (memory) T(make());
    } catch (...) {
      frame_cache::release(memory, sizeof(T));
      throw;
    }
  }
  void reset() noexcept {
    if (at_ == nullptr) return;
    at_->~T();
    frame_cache::release(std::exchange(at_, nullptr), sizeof(T));
  }

  T* at_ = nullptr;
};

inline constexpr std::size_t largest_in_frame = 64;

template <typename T>
struct promise : promise_base {
  std::conditional_t<(sizeof(T) > largest_in_frame), apart<T>, std::optional<T>> value;
  task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T& result() {
    if (error) std::rethrow_exception(error);
    return *value;
  }
};

template <>
struct promise<void> : promise_base {
  task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void result() {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

// A lazily started coroutine of one loop. It starts when awaited and resumes its awaiter directly when it ends, so that
// a chain of calls costs no trip through the event loop; its frame comes from the thread's frame cache. It stays on the
// loop on which it was awaited. Destroying an unfinished task destroys what it was waiting for: every awaitable in this
// folder deregisters itself in its destructor.
template <typename T = void>
class [[nodiscard]] task {
 public:
  using promise_type = detail::promise<T>;

  task(task&& other) noexcept : frame_{std::exchange(other.frame_, {})} {}
  task& operator=(task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~task() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && noexcept {
    struct taking : awaiter {
      T await_resume() {
        if constexpr (std::is_void_v<T>)
          this->frame.promise().result();
        else
          return std::move(this->frame.promise().result());
      }
    };
    return taking{{frame_}};
  }
  // The result stays the task's, and needs no second place in the frame of whoever awaits it. Once only.
  auto operator co_await() & noexcept {
    struct looking : awaiter {
      decltype(auto) await_resume() { return this->frame.promise().result(); }
    };
    return looking{{frame_}};
  }

 private:
  friend promise_type;
  struct awaiter {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
      frame.promise().continuation = caller;
      return frame;
    }
  };
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}
  std::coroutine_handle<promise_type> frame_;
};

template <typename T>
task<T> detail::promise<T>::get_return_object() noexcept {
  return task<T>{std::coroutine_handle<promise<T>>::from_promise(*this)};
}
inline task<void> detail::promise<void>::get_return_object() noexcept {
  return task<void>{std::coroutine_handle<promise<void>>::from_promise(*this)};
}

}  // namespace gateway::transport
