#include "foundation/transport/next_stage.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>

#include "foundation/time/clock.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"

namespace {

using namespace gateway;
using transport::task;

// Coroutines that are made ready together, and what they say at the beginning of each stage.
struct crowd {
  time::manual_clock clock;
  transport::loop loop{clock, transport::loop::drive::by_hand};
  std::deque<transport::parking> places;
  std::string said;

  ~crowd() { loop.abandon(); }

  // Waits once, and then works in so many stages.
  void spawn(char name, int stages = 3) {
    places.emplace_back(loop.ready());
    loop.spawn(work(places.back(), name, stages));
  }
  task<> work(transport::parking& place, char name, int stages) {
    co_await place.wait(loop.deadlines(), time::instant::max());
    for (int stage = 1; stage <= stages; ++stage) {
      if (stage > 1) co_await transport::next_stage{loop.ready()};
      said += name;
      said += std::to_string(stage) + ' ';
    }
  }
  void wake_all() {
    for (auto& place : places) place.wake_up();
    loop.turn();
  }
};

TEST_CASE_FIXTURE(crowd, "those who are ready together go from stage to stage together, in their order") {
  spawn('a');
  spawn('b');
  spawn('c');
  wake_all();
  CHECK(said == "a1 b1 c1 a2 b2 c2 a3 b3 c3 ");
}

TEST_CASE_FIXTURE(crowd, "who has fewer stages holds up nobody") {
  spawn('a', 1);
  spawn('b', 4);
  spawn('c', 2);
  wake_all();
  CHECK(said == "a1 b1 c1 b2 c2 b3 b4 ");
}

TEST_CASE_FIXTURE(crowd, "alone there is no wait") {
  transport::next_stage alone{loop.ready()};
  CHECK(alone.await_ready());
  spawn('a');
  wake_all();
  CHECK(said == "a1 a2 a3 ");
}

TEST_CASE_FIXTURE(crowd, "outside of the list's run there is no wait, whoever is ready") {
  spawn('a');
  places.front().wake_up();
  spawn('b');
  places.back().wake_up();
  transport::next_stage elsewhere{loop.ready()};
  CHECK(elsewhere.await_ready());
  loop.turn();
  CHECK(said == "a1 b1 a2 b2 a3 b3 ");
}

TEST_CASE_FIXTURE(crowd, "a cohort goes to its end before the next one begins") {
  for (std::size_t i = 0; i < transport::ready_list::cohort + 2; ++i)
    spawn(i < transport::ready_list::cohort ? 'x' : 'y', 2);
  wake_all();
  const auto first_of_next = said.find('y');
  REQUIRE(first_of_next != std::string::npos);
  CHECK(said.find('x', first_of_next) == std::string::npos);
  CHECK(said.substr(first_of_next) == "y1 y1 y2 y2 ");
}

TEST_CASE_FIXTURE(crowd, "what becomes ready in the first stage joins, later it waits for the next cohort") {
  spawn('a', 2);
  spawn('b', 2);
  places.emplace_back(loop.ready());
  loop.spawn(work(places.back(), 'z', 1));
  auto& last = places.back();
  const auto waking = [](crowd& self, transport::parking& first, transport::parking& other) -> task<> {
    co_await first.wait(self.loop.deadlines(), time::instant::max());
    other.wake_up();
  };
  transport::parking first{loop.ready()};
  loop.spawn(waking(*this, first, last));
  first.wake_up();
  places[0].wake_up();
  places[1].wake_up();
  loop.turn();
  CHECK(said == "a1 b1 z1 a2 b2 ");
  said.clear();

  // While the second stage runs the cohort is complete.
  struct late final : transport::ready_item {
    std::string& said;
    explicit late(std::string& to) : said{to} {}
    void run() override { said += "late "; }
  } after{said};
  const auto staged = [](crowd& self, transport::parking& place, late& then) -> task<> {
    co_await place.wait(self.loop.deadlines(), time::instant::max());
    co_await transport::next_stage{self.loop.ready()};
    self.loop.ready().push(then);
    co_await transport::next_stage{self.loop.ready()};
    self.said += "p3 ";
  };
  transport::parking second{loop.ready()};
  loop.spawn(staged(*this, second, after));
  spawn('q', 3);
  second.wake_up();
  places.back().wake_up();
  loop.turn();
  CHECK(said == "q1 q2 p3 q3 late ");
}

TEST_CASE_FIXTURE(crowd, "who is destroyed between two stages is not resumed") {
  struct end final : transport::ready_item {
    transport::loop& of;
    explicit end(transport::loop& l) : of{l} {}
    void run() override { of.abandon(); }
  } ends{loop};
  spawn('a');
  spawn('b');
  for (auto& place : places) place.wake_up();
  loop.ready().push(ends);
  loop.turn();
  CHECK(said == "a1 b1 ");
  CHECK(loop.ready().empty());
}

}  // namespace
