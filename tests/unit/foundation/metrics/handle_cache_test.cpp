#include "foundation/metrics/handle_cache.hpp"

#include <doctest/doctest.h>

#include <deque>

#include "foundation/metrics/cells.hpp"

using namespace gateway;

namespace {
enum class route : std::uint8_t { create, read, last = 255 };
}

TEST_CASE("small integers and enumerators are packed side by side") {
  CHECK(metrics::pack() == 0);
  CHECK(metrics::pack(route::read, std::uint16_t{201}) == 0x01'00c9);
  CHECK(metrics::pack(route::last, std::uint8_t{2}, std::uint32_t{3}) == 0xff'02'00000003);
  CHECK(metrics::pack(std::uint64_t{0xfedcba9876543210}) == 0xfedcba9876543210);
  static_assert(metrics::pack(route::create, std::uint8_t{1}) != metrics::pack(route::read, std::uint8_t{0}));
}

TEST_CASE("a handle is made at the first request for its key and found afterwards, key zero included") {
  metrics::handle_cache<metrics::counter> cache;
  metrics::counter zero;
  metrics::counter one;
  int made = 0;
  const auto make = [&](metrics::counter& which) {
    return [&made, &which]() -> metrics::counter& {
      ++made;
      return which;
    };
  };
  CHECK(cache.find(0) == nullptr);
  CHECK(&cache.get(0, make(zero)) == &zero);
  CHECK(&cache.get(1, make(one)) == &one);
  CHECK(&cache.get(0, make(one)) == &zero);
  CHECK(cache.find(1) == &one);
  CHECK(cache.find(2) == nullptr);
  CHECK(made == 2);
}

TEST_CASE("the cache grows and still finds every handle, also with keys that differ in high bits only") {
  metrics::handle_cache<metrics::counter> cache{2};
  std::deque<metrics::counter> cells;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    cache.get(i << 48, [&cells]() -> metrics::counter& { return cells.emplace_back(); }).add(i);
  }
  CHECK(cache.size() == 1000);
  bool all = true;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto* found = cache.find(i << 48);
    all = all && found && found->value() == i;
  }
  CHECK(all);
  CHECK(cache.find(1000ULL << 48) == nullptr);
}
