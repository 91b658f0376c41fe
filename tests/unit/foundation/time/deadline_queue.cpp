#include "foundation/time/deadline_queue.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace gateway::time;
using namespace std::chrono_literals;

constexpr instant start{100s};

class noting : public deadline {
 public:
  noting(std::string& log, char name) : log_{log}, name_{name} {}

 private:
  void expired() override { log_ += name_; }
  std::string& log_;
  char name_;
};

TEST_CASE("deadlines fire in the order of their expiry and never early") {
  deadline_queue queue;
  std::string fired;
  noting a{fired, 'a'};
  noting b{fired, 'b'};
  noting c{fired, 'c'};
  b.arm(queue, start + 2s);
  c.arm(queue, start + 3s);
  a.arm(queue, start + 1s);
  queue.fire(start + 999ms);
  CHECK(fired == "");
  queue.fire(start + 2s);
  CHECK(fired == "ab");
  CHECK_FALSE(a.armed());
  CHECK(c.armed());
  queue.fire(start + 10s);
  CHECK(fired == "abc");
  CHECK(queue.size() == 0);
}

TEST_CASE("a deadline that was put later fires at the later instant only, and in order with the others") {
  deadline_queue queue;
  std::string fired;
  noting a{fired, 'a'};
  noting b{fired, 'b'};
  a.arm(queue, start + 1s);
  a.arm(queue, start + 5s);
  b.arm(queue, start + 4s);
  CHECK(queue.next() <= start + 4s);
  queue.fire(start + 3s);
  CHECK(fired == "");
  queue.fire(start + 9s);
  CHECK(fired == "ba");
}

TEST_CASE("a deadline that was put earlier fires at the earlier instant") {
  deadline_queue queue;
  std::string fired;
  noting a{fired, 'a'};
  a.arm(queue, start + 5s);
  a.arm(queue, start + 1s);
  CHECK(queue.next() == start + 1s);
  queue.fire(start + 1s);
  CHECK(fired == "a");
}

TEST_CASE("a disarmed or destroyed deadline does not fire") {
  deadline_queue queue;
  std::string fired;
  noting a{fired, 'a'};
  a.arm(queue, start + 1s);
  a.disarm();
  auto gone = std::make_unique<noting>(fired, 'g');
  gone->arm(queue, start + 1s);
  gone.reset();
  queue.fire(start + 2s);
  CHECK(fired == "");
}

TEST_CASE("a deadline may destroy and arm others when it fires") {
  struct destroyer : deadline {
    std::unique_ptr<noting> victim;
    noting* next = nullptr;
    deadline_queue* queue = nullptr;
    void expired() override {
      victim.reset();
      next->arm(*queue, start + 3s);
    }
  };
  deadline_queue queue;
  std::string fired;
  noting next{fired, 'n'};
  destroyer d;
  d.victim = std::make_unique<noting>(fired, 'v');
  d.next = &next;
  d.queue = &queue;
  d.arm(queue, start + 1s);
  d.victim->arm(queue, start + 2s);
  queue.fire(start + 2s);
  CHECK(fired == "");
  queue.fire(start + 3s);
  CHECK(fired == "n");
}

TEST_CASE("a queue that goes first leaves its deadlines alone") {
  std::string fired;
  noting a{fired, 'a'};
  {
    deadline_queue queue;
    a.arm(queue, start);
  }
  deadline_queue other;
  a.arm(other, start + 1s);
  other.fire(start + 1s);
  CHECK(fired == "a");
}

TEST_CASE("ten thousand random moves fire exactly what a sorted list would") {
  struct recorder : deadline {
    std::vector<instant>* out = nullptr;
    void expired() override { out->push_back(expiry()); }
  };
  constexpr unsigned seed = 7;
  std::mt19937 engine{seed};
  CAPTURE(seed);
  deadline_queue queue;
  std::vector<instant> fired;
  std::vector<recorder> all(50);
  std::vector<std::optional<instant>> expected(all.size());
  for (auto& each : all) each.out = &fired;
  auto now = start;
  for (int step = 0; step < 10000; ++step) {
    const auto which = engine() % all.size();
    switch (engine() % 4) {
      case 0:
      case 1:
        expected[which] = now + std::chrono::milliseconds{1 + engine() % 500};
        all[which].arm(queue, *expected[which]);
        break;
      case 2:
        expected[which].reset();
        all[which].disarm();
        break;
      default: {
        now += std::chrono::milliseconds{engine() % 50};
        std::vector<instant> due;
        for (auto& e : expected)
          if (e && *e <= now) {
            due.push_back(*e);
            e.reset();
          }
        std::ranges::sort(due);
        fired.clear();
        queue.fire(now);
        REQUIRE(fired == due);
      }
    }
  }
}

}  // namespace
