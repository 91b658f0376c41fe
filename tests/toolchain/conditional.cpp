// The conditional operator around co_await, and with temporaries in its branches.
#include "canary.hpp"

using namespace canary;

namespace {

task<int> read(counted given) {
  co_await step{};
  co_return given.value();
}

task<int> length(const std::string& text) {
  co_await step{};
  co_return static_cast<int>(text.size());
}

task<int> yes() {
  co_await step{};
  co_return 1;
}

task<int> await_in_a_branch() {
  const counted three{3};
  const int left = three.value() == 3 ? co_await read(three) : 0;
  const int right = three.value() == 4 ? 0 : co_await read(counted{4});
  expect(three.owners() == 1, "the argument's copy is gone after the expression");
  co_return left + right;
}

task<int> await_in_the_condition() {
  const counted five{5};
  const counted chosen = co_await yes() ? five : counted{6};
  expect(five.owners() == 2, "the chosen object is one copy, not two");
  co_return chosen.value();
}

task<int> temporaries_in_both_branches() {
  const bool first = co_await yes() == 1;
  const int result = co_await length(first ? std::string(50, 'a') : std::string(60, 'b'));
  const int other = co_await read(first ? counted{7} : counted{8});
  co_return result + other;
}

}  // namespace

int main() {
  settle("co_await in a branch", await_in_a_branch, 7);
  settle("co_await in the condition", await_in_the_condition, 5);
  settle("temporaries in both branches", temporaries_in_both_branches, 57);
  return verdict();
}
