// A lambda literal with captures in the same full expression as co_await.
#include "canary.hpp"

using namespace canary;

namespace {

template <typename Function>
task<int> call(Function function) {
  co_await step{};
  co_return function();
}

template <typename Function>
task<int> call_by_reference(const Function& function) {
  co_await step{};
  co_return function();
}

task<int> by_copy() {
  const counted seven{7};
  const int result = co_await call([seven] { return seven.value(); });
  expect(seven.owners() == 1, "the lambda's copy is gone after the expression");
  co_return result;
}

task<int> by_move() {
  counted eight{8};
  co_return co_await call([kept = std::move(eight), more = 1] { return kept.value() + more; });
}

task<int> by_reference_to_the_literal() {
  const counted nine{9};
  const int result = co_await call_by_reference(
      [nine, text = std::string(40, 'x')] { return nine.value() + static_cast<int>(text.size()); });
  expect(nine.owners() == 1, "the literal lived until the end of the expression and not longer");
  co_return result;
}

task<int> coroutine_lambda() {
  const counted ten{10};
  const int result = co_await [](counted own) -> task<int> {
    co_await step{};
    co_return own.value();
  }(ten);
  co_return result;
}

}  // namespace

int main() {
  settle("capture by copy", by_copy, 7);
  settle("capture by move", by_move, 9);
  settle("literal bound to a reference", by_reference_to_the_literal, 49);
  settle("coroutine lambda called in place", coroutine_lambda, 10);
  return verdict();
}
