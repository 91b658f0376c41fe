#include "store/redis/backoff.hpp"

#include <doctest/doctest.h>

namespace gateway::store::redis {
namespace {

using std::chrono::milliseconds;

constexpr backoff_options options{.first = milliseconds{100}, .most = milliseconds{1000}};

TEST_CASE("Waits double up to the limit, each somewhere in its upper half") {
  backoff low{options};
  backoff high{options};
  for (const int full : {100, 200, 400, 800, 1000, 1000}) {
    CHECK(low.failed(0.0) == milliseconds{full / 2});
    const auto wait = high.failed(0.999999);
    CHECK(wait < milliseconds{full});
    CHECK(wait > milliseconds{full - 1});
  }
}

TEST_CASE("A connection that has lasted starts the waits over, one that was dropped at once does not") {
  backoff waits{options};
  for (int i = 0; i < 5; ++i) waits.failed(0.0);
  CHECK(waits.ended(milliseconds{999}, 0.0) == milliseconds{500});
  CHECK(waits.ended(milliseconds{1000}, 0.0) == milliseconds{50});
  CHECK(waits.ended(milliseconds{3}, 0.0) == milliseconds{100});
}

}  // namespace
}  // namespace gateway::store::redis
