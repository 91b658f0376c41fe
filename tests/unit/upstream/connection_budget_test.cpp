#include "upstream/connection_budget.hpp"

#include <doctest/doctest.h>

#include <array>
#include <thread>

namespace {

using gateway::upstream::connection_budget;
using right = connection_budget::right;

struct loop_like final : connection_budget::member {
  explicit loop_like(connection_budget& of) : budget{of} { budget.join(*this); }
  ~loop_like() { budget.leave(*this); }
  loop_like(const loop_like&) = delete;
  loop_like& operator=(const loop_like&) = delete;
  void granted() noexcept override { ++grants; }
  void asked_to_yield() noexcept override { ++asked; }
  connection_budget& budget;
  std::atomic<int> grants{0};
  std::atomic<int> asked{0};
};

TEST_CASE("as many rights as there may be connections are given out, and come back when they are destroyed") {
  connection_budget budget{2};
  loop_like a{budget};
  auto one = budget.take(a);
  auto two = budget.take(a);
  CHECK(one);
  CHECK(two);
  CHECK(budget.open() == 2);
  CHECK_FALSE(budget.take(a));
  CHECK(budget.withdraw(a));
  two = {};
  CHECK(budget.open() == 1);
  CHECK(budget.take(a));
  CHECK(budget.open() == 1);  // that one was destroyed at once
}

TEST_CASE("a right goes from hand to hand, to the one who has stood in line longest") {
  connection_budget budget{1};
  loop_like a{budget};
  loop_like b{budget};
  loop_like c{budget};
  auto held = budget.take(a);
  CHECK_FALSE(budget.take(b));
  CHECK_FALSE(budget.take(c));
  CHECK(budget.anybody_waits());
  held = {};
  CHECK(b.grants == 1);
  CHECK(c.grants == 0);
  CHECK(budget.open() == 1);
  CHECK_FALSE(budget.take_spare());  // nobody comes in between
  {
    const right b_uses{budget};
  }
  CHECK(c.grants == 1);
  CHECK_FALSE(budget.anybody_waits());
  {
    const right c_uses{budget};
  }
  CHECK(budget.open() == 0);
}

TEST_CASE("who takes its place back is passed over, and hears whether it was in time") {
  connection_budget budget{1};
  loop_like a{budget};
  loop_like b{budget};
  auto held = budget.take(a);
  CHECK_FALSE(budget.take(b));
  CHECK(budget.withdraw(b));
  held = {};
  CHECK(b.grants == 0);
  CHECK(budget.open() == 0);

  held = budget.take(a);
  CHECK_FALSE(budget.take(b));
  held = {};
  CHECK_FALSE(budget.withdraw(b));  // the grant is on its way
  CHECK(b.grants == 1);
  {
    const right given_back{budget};
  }
  CHECK(budget.open() == 0);
}

TEST_CASE("the others are asked to yield when somebody gets nothing; a spare right is taken without a word") {
  connection_budget budget{1};
  loop_like a{budget};
  loop_like b{budget};
  auto held = budget.take(a);
  CHECK(b.asked == 0);
  CHECK_FALSE(budget.take_spare());
  CHECK(a.asked == 0);
  CHECK_FALSE(budget.take(b));
  CHECK(a.asked == 1);
  CHECK(b.asked == 0);
}

TEST_CASE("while somebody waits, a pool with more than its share does not keep its connections") {
  connection_budget budget{4};
  loop_like a{budget};
  loop_like b{budget};
  std::array<right, 4> held;
  for (auto& each : held) each = budget.take(a);
  CHECK_FALSE(budget.wanted_elsewhere(4));  // nobody waits
  CHECK_FALSE(budget.take(b));
  CHECK(budget.wanted_elsewhere(4));
  CHECK(budget.wanted_elsewhere(3));
  CHECK_FALSE(budget.wanted_elsewhere(2));  // a half is its share
  CHECK(budget.withdraw(b));
}

TEST_CASE("with fewer connections than loops, each comes round") {
  connection_budget budget{1};
  loop_like a{budget};
  loop_like b{budget};
  auto held = budget.take(a);
  CHECK_FALSE(budget.take(b));
  CHECK(budget.wanted_elsewhere(1));
  CHECK(budget.withdraw(b));
}

TEST_CASE("who has left hears nothing more") {
  connection_budget budget{1};
  loop_like a{budget};
  auto held = budget.take(a);
  {
    loop_like b{budget};
    CHECK_FALSE(budget.take(b));
  }
  held = {};
  CHECK(budget.open() == 0);
  CHECK_FALSE(budget.anybody_waits());
}

TEST_CASE("rights are neither lost nor made when many threads take and return them") {
  connection_budget budget{3};
  const auto work = [&budget] {
    loop_like self{budget};
    int used = 0;
    int in_line = 0;
    while (used < 2000) {
      if (const auto got = budget.take(self)) {
        ++used;
      } else {
        ++in_line;
      }
      while (in_line > 0 && budget.withdraw(self)) --in_line;
      for (int arrived = self.grants.exchange(0); arrived > 0; --arrived) {
        const right adopted{budget};
        --in_line;
        ++used;
      }
    }
    while (in_line > 0) {
      while (self.grants == 0) std::this_thread::yield();
      self.grants -= 1;
      const right adopted{budget};
      --in_line;
    }
  };
  std::array<std::thread, 4> threads;
  for (auto& each : threads) each = std::thread{work};
  for (auto& each : threads) each.join();
  CHECK(budget.open() == 0);
  CHECK_FALSE(budget.anybody_waits());
}

}  // namespace
