#pragma once

#include <doctest/doctest.h>

#include <exception>
#include <string>

#include "foundation/time/clock.hpp"
#include "foundation/transport/loop.hpp"

namespace gateway::support {

// A loop that a test turns by hand, with a clock that stands still until the test moves it. When the test is over the
// loop must have run dry: a coroutine that still waits for something is a leak.
class loop_fixture {
 public:
  loop_fixture() {
    loop.on_escape([](std::exception_ptr escaped) {
      try {
        std::rethrow_exception(escaped);
      } catch (const std::exception& failure) {
        FAIL_CHECK("escaped from a coroutine: " << failure.what());
      }
    });
  }
  ~loop_fixture() {
    settle();
    CHECK_MESSAGE(loop.spawned() == 0, "coroutines were left waiting");
  }

  // Runs what can run without the clock moving.
  void settle() {
    for (int round = 0; round < 8; ++round) loop.turn();
  }
  void advance(time::duration by) {
    clock.advance(by);
    settle();
  }
  // Starts it and runs what can run.
  void start(transport::task<> work) {
    loop.spawn(std::move(work));
    settle();
  }

  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
};

}  // namespace gateway::support
