#include "app/drainer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "foundation/time/clock.hpp"

using namespace gateway;
using namespace std::chrono_literals;

namespace {

struct no_sink final : journal::sink {
  void write(journal::level, std::string_view) override {}
};

// Two loops that are this thread; what happens is written down in its order.
struct fixture {
  boost::asio::io_context main;
  no_sink sink;
  time::system_clock clock;
  journal::log log{sink, clock, {}};
  std::vector<std::string> happened;
  bool drained = true;
  bool settled = true;
  bool observed = true;
  app::drainer drainer{main,
                       {.loops = 2,
                        .on_loop = [this](std::size_t, const auto& what) { boost::asio::post(main, what); },
                        .stop_accepting = [this](std::size_t i) { note("stop " + std::to_string(i)); },
                        .hand_back = [this] { note("hand back"); },
                        .close_port = [this](std::size_t i) { note("close " + std::to_string(i)); },
                        .drained = [this] { return drained; },
                        .settled = [this] { return settled; },
                        .observed = [this] { return observed; },
                        .done = [this] { note("done"); }},
                       log};

  void note(std::string what) { happened.push_back(std::move(what)); }
};

}  // namespace

TEST_CASE("Nobody is accepted any more before what waits is refused, and only then the ports are closed") {
  fixture f;
  f.drainer.begin({.delay = 0ms, .timeout = 10s});
  f.main.run();
  CHECK(f.happened == std::vector<std::string>{"stop 0", "stop 1", "hand back", "close 0", "close 1", "done"});
}

TEST_CASE("What runs too long is cut off when the time is over") {
  fixture f;
  f.drained = false;
  f.drainer.begin({.delay = 0ms, .timeout = 30ms});
  f.main.run();
  CHECK(f.happened.back() == "done");
  CHECK(std::chrono::steady_clock::now() >= f.drainer.latest());
}

TEST_CASE("Whoever counts is waited for, not beyond the time") {
  fixture f;
  f.observed = false;
  f.drainer.begin({.delay = 0ms, .timeout = 30ms});
  f.main.run();
  CHECK(f.happened.back() == "done");
  CHECK(std::chrono::steady_clock::now() >= f.drainer.latest());
}
