// An aggregate temporary, also with designated initialisers, in the same full expression as co_await.
#include "canary.hpp"

using namespace canary;

namespace {

struct options {
  counted first;
  std::string name;
  counted second;
};

struct outer {
  options inner;
  int factor = 1;
};

task<int> take(options given) {
  co_await step{};
  co_return given.first.value() + given.second.value() + static_cast<int>(given.name.size());
}

task<int> look(const options& given) {
  co_await step{};
  co_return given.first.value() + given.second.value() + static_cast<int>(given.name.size());
}

task<int> take_nested(outer given) {
  co_await step{};
  co_return given.factor* given.inner.first.value();
}

task<int> positional() {
  const counted one{1};
  const int result = co_await take(options{one, "four", counted{2}});
  expect(one.owners() == 1, "the aggregate's copy is gone after the expression");
  co_return result;
}

task<int> designated() {
  const counted one{1};
  const int result = co_await take({.first = one, .name = std::string(40, 'x'), .second = counted{2}});
  expect(one.owners() == 1, "the aggregate's copy is gone after the expression");
  co_return result;
}

task<int> designated_by_reference() {
  const counted one{1};
  co_return co_await look(
      {.first = one, .name = "a name too long to be kept inside the string object", .second = counted{2}});
}

task<int> nested() {
  co_return co_await take_nested({.inner = {.first = counted{5}, .name = "n", .second = counted{}}, .factor = 3});
}

}  // namespace

int main() {
  settle("positional", positional, 7);
  settle("designated", designated, 43);
  settle("designated, bound to a reference", designated_by_reference, 54);
  settle("nested", nested, 15);
  return verdict();
}
