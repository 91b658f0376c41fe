#include "foundation/transport/loop.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <deque>

#include "foundation/transport/parking.hpp"

namespace {

using namespace gateway;
using namespace std::chrono_literals;
using transport::task;

// An event that brings about the next one of its kind.
struct endless final : transport::readiness::observer {
  explicit endless(transport::loop& loop) : descriptor{::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)}, ready{loop.ready()} {
    ready.observe(this);
    REQUIRE(loop.watch(descriptor, ready));
  }
  ~endless() { ::close(descriptor); }
  endless(const endless&) = delete;
  endless& operator=(const endless&) = delete;
  void channel_event() override {
    eventfd_t count = 0;
    ::eventfd_read(descriptor, &count);
    ::eventfd_write(descriptor, 1);
  }
  int descriptor;
  transport::readiness ready;
};

task<> stop_soon(transport::loop& loop, bool& stopped) {
  transport::parking place{loop.ready()};
  co_await place.wait(loop.deadlines(), loop.now() + 20ms);
  stopped = true;
  loop.stop();
}

TEST_CASE("deadlines fire, and the loop can be stopped, while more events come than are taken at once") {
  const time::system_clock clock;
  transport::loop loop{clock};
  std::deque<endless> events;
  for (int i = 0; i < 700; ++i) events.emplace_back(loop);
  bool stopped = false;
  loop.spawn(stop_soon(loop, stopped));
  loop.run();
  CHECK(stopped);
}

}  // namespace
