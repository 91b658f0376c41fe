#include "foundation/transport/background.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "foundation/transport/parking.hpp"
#include "support/loop_fixture.hpp"

namespace gateway::transport {
namespace {

struct fixture : support::loop_fixture {
  struct mark {
    bool& gone;
    ~mark() { gone = true; }
  };
  task<> wait_here() {
    const mark on_leaving{gone};
    place.emplace(loop.ready());
    co_await place->wait(loop.deadlines(), time::instant::max());
    over = true;
  }
  std::optional<parking> place;
  bool gone = false;
  bool over = false;
};

TEST_CASE("Work in the background starts at once and goes on by itself") {
  fixture f;
  const background running{f.wait_here()};
  REQUIRE(f.place.has_value());
  f.place->wake_up();
  f.settle();
  CHECK(f.over);
}

TEST_CASE("Work in the background ends where it stands when its owner goes") {
  fixture f;
  {
    const background running{f.wait_here()};
  }
  CHECK(f.gone);
  f.place->wake_up();
  f.settle();
  CHECK(!f.over);
}

}  // namespace
}  // namespace gateway::transport
