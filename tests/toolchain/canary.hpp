#pragma once
// What the canaries share: an object that counts its lives, the smallest task that can be awaited, and a check.
// No library: what they look at is the compiler alone.

#include <coroutine>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace canary {

// Every object that is made has to be destroyed, once. A compiler that copies a temporary into the coroutine's frame
// byte by byte destroys it twice: the count goes below zero, and `self_` no longer points to the object.
class counted {
 public:
  explicit counted(int value = 0) : value_{std::make_shared<int>(value)}, self_{this} { ++alive; }
  counted(const counted& other) : value_{other.value_}, self_{this} { ++alive; }
  counted(counted&& other) noexcept : value_{other.value_}, self_{this} { ++alive; }
  counted& operator=(const counted&) = delete;
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (self_ != this) ++moved_by_bytes;
    self_ = nullptr;
    --alive;
  }

  int value() const {
    if (self_ != this) ++moved_by_bytes;
    return *value_;
  }
  long owners() const { return value_.use_count(); }

  inline static int alive = 0;
  inline static int moved_by_bytes = 0;

 private:
  std::shared_ptr<int> value_;
  const counted* self_;
};

template <typename Result>
class task {
 public:
  struct promise_type {
    std::optional<Result> result;
    std::coroutine_handle<> waiting;

    task get_return_object() { return task{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    void return_value(Result value) { result.emplace(std::move(value)); }
    [[noreturn]] void unhandled_exception() { std::terminate(); }

    struct resume_waiting {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
        if (const auto next = self.promise().waiting) return next;
        return std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };
    resume_waiting final_suspend() noexcept { return {}; }
  };

  explicit task(std::coroutine_handle<promise_type> handle) : handle_{handle} {}
  task(task&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
  task& operator=(task&&) = delete;
  ~task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    handle_.promise().waiting = waiting;
    return handle_;
  }
  Result await_resume() { return std::move(*handle_.promise().result); }

  // Runs a whole chain of tasks from outside any coroutine.
  Result run() {
    while (!handle_.done()) {
      handle_.resume();
      while (parked) std::exchange(parked, nullptr).resume();
    }
    return std::move(*handle_.promise().result);
  }

  inline static std::coroutine_handle<> parked = nullptr;

 private:
  std::coroutine_handle<promise_type> handle_;
};

// Really suspends, so that everything alive has to survive in the frame.
struct step {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) const noexcept { task<int>::parked = waiting; }
  void await_resume() const noexcept {}
};

inline int failures = 0;

inline void expect(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "wrong: %s\n", what);
}

// Runs one case and settles the accounts.
inline void settle(const char* name, task<int> (*body)(), int expected) {
  const int before = failures;
  {
    auto started = body();
    expect(started.run() == expected, "the value that comes out");
  }
  expect(counted::alive == 0, "every object is destroyed exactly once");
  expect(counted::moved_by_bytes == 0, "no object is moved behind its back");
  std::printf("%s: %s\n", name, failures == before ? "right" : "MISCOMPILED");
  std::fflush(stdout);
  counted::alive = 0;
  counted::moved_by_bytes = 0;
}

inline int verdict() {
  return failures == 0 ? 0 : 1;
}

}  // namespace canary
