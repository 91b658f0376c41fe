#include "foundation/transport/loop.hpp"

#include <boost/asio/post.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace gateway::transport {
namespace {

constexpr int events_per_call = 512;

int make_epoll() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error{errno, std::system_category(), "epoll_create1"};
  return descriptor;
}

std::uint8_t flags_of(std::uint32_t events) noexcept {
  std::uint8_t flags = 0;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) flags |= readiness::readable;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) flags |= readiness::writable;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) flags |= readiness::hung_up;
  return flags;
}

}  // namespace

struct loop::root_promise : root_node {
  explicit root_promise(loop& self, const task<>&) : owner{self} {
    frame = std::coroutine_handle<root_promise>::from_promise(*this);
    owner.roots_.push_back(*this);
  }
  ~root_promise() { owner.roots_.erase(owner.roots_.iterator_to(*this)); }

  root get_return_object() noexcept;
  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_void() noexcept {}
  void unhandled_exception() noexcept {
    if (owner.on_escape_) owner.on_escape_(std::current_exception());
  }

  static void* operator new(std::size_t size) { return frame_cache::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { frame_cache::release(memory, size); }

  loop& owner;
};

struct loop::root {
  using promise_type = root_promise;
};

loop::root loop::root_promise::get_return_object() noexcept {
  return {};
}

loop::root loop::run_root(loop& /*self*/, task<> work) {
  co_await std::move(work);
}

loop::loop(const time::clock& clock, drive how)
    : clock_{clock},
      drive_{how},
      now_{clock.now()},
      wall_now_{clock.wall_now()},
      // The scheduler's locks are left out: whatever comes from another thread comes through the mailbox.
      context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE},
      inner_{context_.get_executor(), make_epoll()},
      timer_{context_.get_executor()},
      events_{std::make_unique<epoll_event[]>(events_per_call)} {
  wake_descriptor_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_descriptor_ < 0) throw std::system_error{errno, std::system_category(), "eventfd"};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the mailbox
  if (::epoll_ctl(inner_.native_handle(), EPOLL_CTL_ADD, wake_descriptor_, &event) != 0)
    throw std::system_error{errno, std::system_category(), "epoll_ctl"};
  last_turn_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  await_events();
}

void loop::abandon() noexcept {
  while (!roots_.empty()) roots_.front().frame.destroy();
}

loop::~loop() {
  abandon();
  ::close(wake_descriptor_);
}

void loop::run() {
  auto work = boost::asio::make_work_guard(context_);
  refresh_now();
  finish_turn();
  context_.run();
}

void loop::turn() {
  refresh_now();
  deadlines_.fire(now_);
  drain_mailbox();
  while (drain_events()) {
  }
  context_.restart();
  context_.poll();
}

void loop::stop() {
  post([this] { context_.stop(); });
}

void loop::spawn(task<> work) {
  run_root(*this, std::move(work));
}

void loop::post(std::function<void()> what) {
  {
    const std::lock_guard lock{mailbox_mutex_};
    mailbox_.push_back(std::move(what));
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is being woken anyway.
  [[maybe_unused]] const auto written = ::write(wake_descriptor_, &one, sizeof one);
}

bool loop::watch(int descriptor, readiness& target) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &target;
  return ::epoll_ctl(inner_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void loop::await_events() {
  inner_.async_wait(descriptor_type::wait_read, [this](const boost::system::error_code& error) {
    if (!error) take_events();
  });
}

void loop::take_events() {
  refresh_now();
  const bool more = drain_events();
  finish_turn();
  if (!more) return await_events();
  // With thousands of busy connections there is no end to them. Deadlines, and whoever connects, come in between.
  boost::asio::post(context_, [this] { take_events(); });
}

bool loop::drain_events() {
  const int count = ::epoll_wait(inner_.native_handle(), events_.get(), events_per_call, 0);
  bool mail = false;
  for (int i = 0; i < count; ++i) {
    const auto& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr)
      mail = true;
    else
      static_cast<readiness*>(event.data.ptr)->signal(flags_of(event.events));
  }
  if (mail) drain_mailbox();
  ready_.run_all();
  return count == events_per_call;
}

void loop::drain_mailbox() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_descriptor_, &count, sizeof count);
  std::vector<std::function<void()>> letters;
  {
    const std::lock_guard lock{mailbox_mutex_};
    letters.swap(mailbox_);
  }
  for (auto& letter : letters) letter();
}

void loop::finish_turn() {
  ready_.run_all();
  arm_timer();
}

void loop::arm_timer() {
  if (drive_ == drive::by_hand) return;
  const auto next = deadlines_.next();
  if (!next || *next >= timer_set_for_) return;
  timer_set_for_ = *next;
  timer_.expires_at(*next);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // replaced by an earlier one
    timer_set_for_ = time::instant::max();
    const auto due = timer_.expiry();
    refresh_now();
    const auto lag = (now_ - due).count();
    lag_.store(lag, std::memory_order_relaxed);
    if (lag > worst_lag_.load(std::memory_order_relaxed)) worst_lag_.store(lag, std::memory_order_relaxed);
    deadlines_.fire(now_);
    finish_turn();
  });
}

void loop::refresh_now() noexcept {
  now_ = clock_.now();
  wall_now_ = clock_.wall_now();
  last_turn_.store(now_.time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace gateway::transport
