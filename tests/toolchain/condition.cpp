// Temporaries inside the condition of if, switch and while, next to co_await.
#include "canary.hpp"

using namespace canary;

namespace {

task<int> read(const counted& given) {
  co_await step{};
  co_return given.value();
}

task<counted> make(int value) {
  co_await step{};
  co_return counted{value};
}

task<int> read_owned(std::unique_ptr<counted> given) {
  co_await step{};
  co_return given->value();
}

struct pair {
  counted held;
  int value;
};

task<int> in_if() {
  const counted two{2};
  int result = 0;
  if (co_await read(counted{two}) == 2) result += 1;
  expect(two.owners() == 1, "the condition's temporary is gone");
  if ((co_await make(4)).value() == 4 && (co_await make(5)).value() == 5) result += 10;
  expect(counted::alive == 1, "only the local is alive after the conditions");
  co_return result;
}

task<int> in_if_with_initialiser() {
  if (const counted made = co_await make(6); made.value() == co_await read(counted{6})) co_return made.value();
  co_return 0;
}

task<int> owner_in_if() {
  if (co_await read_owned(std::make_unique<counted>(4)) == 4) co_return 1;
  co_return 0;
}

task<int> aggregate_in_if() {
  const counted three{3};
  if (pair{three, co_await read(counted{three})}.value == 3) co_return static_cast<int>(three.owners());
  co_return 0;
}

task<int> aggregate_in_switch() {
  const counted three{3};
  switch (pair{three, co_await read(three)}.value) {
    case 3:
      co_return static_cast<int>(three.owners());
    default:
      co_return 0;
  }
}

task<int> in_switch() {
  const counted three{3};
  switch (co_await read(counted{three})) {
    case 3:
      co_return static_cast<int>(three.owners());
    default:
      co_return -1;
  }
}

task<int> in_while() {
  int rounds = 0;
  while (co_await read(counted{rounds}) < 3) ++rounds;
  expect(counted::alive == 0, "no round's temporary is left");
  co_return rounds;
}

}  // namespace

int main() {
  settle("if", in_if, 11);
  settle("if with an initialiser", in_if_with_initialiser, 6);
  settle("aggregate in an if", aggregate_in_if, 1);
  settle("aggregate in a switch", aggregate_in_switch, 1);
  settle("owner in an if", owner_in_if, 1);
  settle("switch", in_switch, 1);
  settle("while", in_while, 3);
  return verdict();
}
