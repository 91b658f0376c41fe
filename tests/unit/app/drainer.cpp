#include "app/drainer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>
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

TEST_CASE("Whoever waits is told by every loop before any of them takes what waits in the kernel") {
  // A loop's turn: it does all that was posted to it, then what that has made ready.
  struct one_loop {
    std::vector<std::function<void()>> letters;
    std::vector<std::function<void()>> ready;
    void open_letters() {
      for (auto& letter : std::exchange(letters, {})) letter();
    }
    void finish_turn() {
      for (auto& item : std::exchange(ready, {})) item();
    }
  };
  fixture f;
  std::array<one_loop, 2> loops;
  app::drainer drainer{f.main,
                       {.loops = 2,
                        .on_loop = [&](std::size_t i, auto what) { loops[i].letters.push_back(std::move(what)); },
                        .stop_accepting = [](std::size_t) {},
                        .hand_back =
                            [&] {
                              for (auto& each : loops)
                                each.letters.emplace_back([&] { each.ready.emplace_back([&] { f.note("told"); }); });
                            },
                        .close_port = [&](std::size_t) { f.note("close"); },
                        .drained = [] { return true; },
                        .settled = [] { return true; },
                        .observed = [] { return true; },
                        .done = [&] { f.note("done"); }},
                       f.log};
  drainer.begin({.delay = 0ms, .timeout = 10s});
  while (loops[0].letters.empty()) f.main.run_one();
  for (auto& each : loops) each.open_letters();
  while (loops[0].letters.empty()) f.main.run_one();

  // The second one is slow: it has opened its letters, and has told nobody yet, while the first has turn after turn.
  loops[1].open_letters();
  for (int i = 0; i < 4; ++i) {
    loops[0].open_letters();
    loops[0].finish_turn();
    f.main.poll();
  }
  loops[1].finish_turn();
  while (f.happened.empty() || f.happened.back() != "done") {
    f.main.poll();
    for (auto& each : loops) {
      each.open_letters();
      each.finish_turn();
    }
  }
  CHECK(f.happened == std::vector<std::string>{"told", "told", "close", "close", "done"});
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
