#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <functional>
#include <memory>

#include "foundation/journal/log.hpp"
#include "settings/configuration.hpp"

namespace gateway::app {

// The order in which a gateway ends. Load balancers learn late that it does: it serves on for `delay`. Then nobody new
// is accepted, and what waits for a permit is refused at once; only then what waits in the kernel's queue is accepted
// and answered, and the ports are closed. What was sent is finished. The end is at most `timeout` after the delay.
//
// On the main thread, but for what it says of loops.
class drainer {
 public:
  // What it takes to do so, in the order in which it is done.
  struct steps {
    std::size_t loops = 0;
    std::function<void(std::size_t, std::function<void()>)> on_loop;  // runs it there; any thread
    std::function<void(std::size_t)> stop_accepting;                  // on its loop
    std::function<void()> hand_back;                                  // what waits is refused, whatever its loop
    std::function<void(std::size_t)> close_port;                      // on its loop: takes what the kernel has
    std::function<bool()> drained;                                    // nothing runs any more
    std::function<bool()> settled;   // what was given back has reached those whom it concerns
    std::function<bool()> observed;  // whoever counts has the final counts, or will not come
    std::function<void()> done;
  };

  drainer(boost::asio::io_context& on, steps what, journal::log& log);

  // Once.
  void begin(settings::drain how);
  bool begun() const noexcept { return begun_; }
  // Until when it ends whatever happens. Meaningful once the delay is over.
  std::chrono::steady_clock::time_point latest() const noexcept { return give_up_at_; }

 private:
  void stop_accepting();
  void close_ports();
  void look();
  bool finished();
  // On each loop; then `next` on the main thread, if it has not ended before.
  void on_each_loop(const std::function<void(std::size_t)>& what, std::function<void()> next);

  boost::asio::io_context& main_;
  boost::asio::steady_timer timer_;
  const steps steps_;
  journal::log& log_;
  bool begun_ = false;
  bool closed_ = false;
  std::chrono::milliseconds timeout_{0};
  std::chrono::steady_clock::time_point give_up_at_{};
  std::chrono::steady_clock::time_point drained_at_{};
};

}  // namespace gateway::app
