#include "upstream/connection_budget.hpp"

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

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

TEST_CASE("a right goes from hand to hand, and nobody comes in between") {
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
  CHECK_FALSE(budget.take_spare(a));
  {
    const right b_uses{budget, b};
  }
  CHECK(c.grants == 1);
  CHECK_FALSE(budget.anybody_waits());
  {
    const right c_uses{budget, c};
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
    const right given_back{budget, b};
  }
  CHECK(budget.open() == 0);
}

TEST_CASE("the others are asked to yield when somebody gets nothing; a spare right is taken without a word") {
  connection_budget budget{1};
  loop_like a{budget};
  loop_like b{budget};
  auto held = budget.take(a);
  CHECK(b.asked == 0);
  CHECK_FALSE(budget.take_spare(b));
  CHECK(a.asked == 0);
  CHECK_FALSE(budget.take(b));
  CHECK(a.asked == 1);
  CHECK(b.asked == 0);
}

TEST_CASE("of those who wait the one with the fewest gets the next right, however long others have waited for more") {
  connection_budget budget{3};
  loop_like a{budget};
  loop_like b{budget};
  std::array<right, 3> held;
  for (auto& each : held) each = budget.take(a);
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(budget.take(a));
  CHECK_FALSE(budget.take(b));
  held[0] = {};
  CHECK(a.grants == 0);
  CHECK(b.grants == 1);
  held[1] = {};
  CHECK(a.grants == 1);
  const std::array<right, 2> adopted{right{budget, a}, right{budget, b}};
  for (int i = 0; i < 999; ++i) CHECK(budget.withdraw(a));
  CHECK_FALSE(budget.withdraw(a));
  CHECK_FALSE(budget.anybody_waits());
}

TEST_CASE("a pool gives up connections that it uses itself, until those who wait have nearly as many") {
  connection_budget budget{5};
  loop_like a{budget};
  loop_like b{budget};
  std::vector<right> of_a;
  for (int i = 0; i < 5; ++i) of_a.push_back(budget.take(a));
  CHECK_FALSE(budget.take(a));
  CHECK_FALSE(budget.wanted_elsewhere(a));  // only itself waits
  std::vector<right> of_b;
  for (int i = 0; i < 2; ++i) {
    CHECK_FALSE(budget.take(b));
    CHECK(budget.wanted_elsewhere(a));
    CHECK_FALSE(budget.wanted_elsewhere(b));
    of_a.pop_back();
    CHECK(b.grants == i + 1);
    of_b.emplace_back(budget, b);
  }
  CHECK_FALSE(budget.take(b));
  CHECK_FALSE(budget.wanted_elsewhere(a));  // three and two: one more would only turn it round
  CHECK(budget.withdraw(b));
  CHECK(budget.withdraw(a));
}

TEST_CASE("with fewer connections than loops, each comes round") {
  connection_budget budget{1};
  loop_like a{budget};
  loop_like b{budget};
  auto held = budget.take(a);
  CHECK_FALSE(budget.take(a));
  CHECK_FALSE(budget.take(b));
  CHECK(budget.wanted_elsewhere(a));
  held = {};
  CHECK(b.grants == 1);
  held = right{budget, b};
  CHECK(budget.wanted_elsewhere(b));
  CHECK(budget.withdraw(a));
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
        const right adopted{budget, self};
        --in_line;
        ++used;
      }
    }
    while (in_line > 0) {
      while (self.grants == 0) std::this_thread::yield();
      self.grants -= 1;
      const right adopted{budget, self};
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
