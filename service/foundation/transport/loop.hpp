#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "foundation/time/clock.hpp"
#include "foundation/time/deadline_queue.hpp"
#include "foundation/transport/readiness.hpp"
#include "foundation/transport/ready_list.hpp"
#include "foundation/transport/task.hpp"

struct epoll_event;

namespace gateway::transport {

// One event loop for one thread.
//
// Asio runs it. The hot sockets are registered once, edge-triggered, in an epoll descriptor of the loop's own, which
// Asio waits for like for any other descriptor; when it fires, the events are drained in one call and the coroutines
// that wait for them are resumed. So a request costs no re-arming, no handler allocation and no timer.
//
// Everything but `post` and `stop` is for the loop's own thread.
class loop {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  // by_hand: for tests. No timer runs; `turn` delivers what is due by the clock that the test moves.
  enum class drive : std::uint8_t { by_asio, by_hand };

  explicit loop(const time::clock& clock, drive how = drive::by_asio);
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;
  // Destroys what is left of the spawned coroutines.
  ~loop();

  // Runs until `stop`.
  void run();
  // One round without waiting: what is posted, due, ready. For tests; true if a deadline or a ready item ran.
  void turn();
  // Any thread.
  void stop();

  // Starts a coroutine that nobody awaits, now, up to its first wait. What escapes from it as an exception is given to
  // `on_escape`. The loop keeps it until it ends.
  void spawn(task<> work);
  std::size_t spawned() const noexcept { return roots_.size(); }
  // Destroys every spawned coroutine where it stands, and with it what it holds. Before what they refer to goes.
  void abandon() noexcept;
  void on_escape(std::function<void(std::exception_ptr)> what) { on_escape_ = std::move(what); }

  // Any thread: runs `what` on the loop soon. Dropped if the loop never runs again.
  void post(std::function<void()> what);

  // The monotonic time of this turn: one clock read per turn.
  time::instant now() const noexcept { return now_; }
  // The calendar's of this turn. For what leaves the service (see time::clock).
  time::wall_instant wall_now() const noexcept { return wall_now_; }
  // The calendar's at an instant of this turn: a long turn's events keep their order and distance.
  time::wall_instant wall_at(time::instant at) const noexcept {
    return wall_now_ + std::chrono::duration_cast<time::wall_instant::duration>(at - now_);
  }
  const time::clock& clock() const noexcept { return clock_; }
  time::deadline_queue& deadlines() noexcept { return deadlines_; }
  ready_list& ready() noexcept { return ready_; }
  boost::asio::io_context& context() noexcept { return context_; }

  // How late the loop came back to its deadlines lately, at most: a measure of being overloaded. Any thread.
  time::duration worst_lag() const noexcept { return time::duration{worst_lag_.load(std::memory_order_relaxed)}; }
  // How late it came to them the last time. Any thread.
  time::duration lag() const noexcept { return time::duration{lag_.load(std::memory_order_relaxed)}; }
  // When the loop last turned, by the monotonic clock. Any thread: what /livez looks at.
  time::instant last_turn() const noexcept {
    return time::instant{time::duration{last_turn_.load(std::memory_order_relaxed)}};
  }

  // Registers a descriptor for all its edges; the events go to `target`. False with errno where epoll refuses.
  bool watch(int descriptor, readiness& target) noexcept;
  // Around an Asio handler that may make something ready: the time of its turn, and at the end what has become ready.
  // Without the former whatever it begins would begin when the loop last had something to do.
  void begin_turn() noexcept { refresh_now(); }
  void finish_turn();

 private:
  struct root;
  struct root_promise;
  // A spawned coroutine, while it lives.
  struct root_node : boost::intrusive::list_base_hook<> {
    std::coroutine_handle<> frame;
  };
  using descriptor_type = boost::asio::posix::basic_stream_descriptor<executor_type>;
  using timer_type =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                        executor_type>;

  static root run_root(loop& self, task<> work);

  void await_events();
  void take_events();
  // As many as one call gives. True: there may be more.
  bool drain_events();
  void drain_mailbox();
  void arm_timer();
  void refresh_now() noexcept;

  const time::clock& clock_;
  const drive drive_;
  time::instant now_;
  time::wall_instant wall_now_;
  boost::asio::io_context context_;
  descriptor_type inner_;
  timer_type timer_;
  time::instant timer_set_for_ = time::instant::max();
  time::deadline_queue deadlines_;
  ready_list ready_;
  const std::unique_ptr<epoll_event[]> events_;  // of one call; not on the stack, which is zeroed (6 KiB) each time

  boost::intrusive::list<root_node> roots_;
  std::function<void(std::exception_ptr)> on_escape_;

  int wake_descriptor_ = -1;
  std::mutex mailbox_mutex_;
  std::vector<std::function<void()>> mailbox_;
  std::atomic<time::duration::rep> worst_lag_{0};
  std::atomic<time::duration::rep> lag_{0};
  std::atomic<time::duration::rep> last_turn_{0};
};

}  // namespace gateway::transport
