#include "foundation/random/source.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

using namespace gateway;
using namespace std::chrono_literals;

namespace {

// Gives the same 64 bits again and again.
class constant_source final : public random::source {
 public:
  explicit constant_source(std::uint8_t every_byte) : value_{every_byte} {}
  void fill(std::span<std::byte> into) override { std::ranges::fill(into, std::byte{value_}); }

 private:
  std::uint8_t value_;
};

}  // namespace

TEST_CASE("uniform is in [0, 1): zero for zero bits, just below one for all bits") {
  constant_source zeros{0x00};
  constant_source ones{0xff};
  CHECK(zeros.uniform() == 0.0);
  CHECK(ones.uniform() == 1.0 - 0x1p-53);
}

TEST_CASE("the seeded source gives the same bytes after the same seed, and others after another") {
  std::array<std::byte, 20> a{};
  std::array<std::byte, 20> b{};
  std::array<std::byte, 20> c{};
  random::seeded_source{7}.fill(a);
  random::seeded_source{7}.fill(b);
  random::seeded_source{8}.fill(c);
  CHECK(a == b);
  CHECK(a != c);
}

TEST_CASE("the seeded source is the standard's mt19937_64: its 10000th word is the one that the standard states") {
  random::seeded_source from{std::mt19937_64::default_seed};
  std::uint64_t word = 0;
  for (int i = 0; i < 10'000; ++i) word = from.next();
  CHECK(word == 9981545732273789042ULL);
}

TEST_CASE("the system source fills all bytes, through the pool and past it") {
  random::system_source from;
  for (const std::size_t size : {1U, 16U, 511U, 512U, 513U, 5000U}) {
    std::vector<std::byte> first(size);
    std::vector<std::byte> second(size);
    from.fill(first);
    from.fill(second);
    if (size >= 16) CHECK(first != second);
    // Of 500 and more random bytes some are not zero at either end.
    if (size >= 500) {
      CHECK(std::ranges::any_of(std::span{first}.first(32), [](std::byte b) { return b != std::byte{}; }));
      CHECK(std::ranges::any_of(std::span{first}.last(32), [](std::byte b) { return b != std::byte{}; }));
    }
  }
  from.fill({});
}

TEST_CASE("the pool never gives the same bytes twice") {
  random::system_source from;
  std::vector<std::uint64_t> seen(5000);
  for (auto& word : seen) word = from.next();
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
}

TEST_CASE("equal jitter is between a half and the whole, so a wait is never near zero") {
  constant_source lowest{0x00};
  constant_source highest{0xff};
  CHECK(random::equal_jitter(lowest, 10s) == 5s);
  CHECK(random::equal_jitter(highest, 10s) > 9999ms);
  CHECK(random::equal_jitter(highest, 10s) <= 10s);
  CHECK(random::equal_jitter(highest, 0s) == 0s);
  CHECK(random::equal_jitter(highest, -1s) == 0s);

  random::seeded_source from{1};
  time::duration sum{};
  for (int i = 0; i < 1000; ++i) sum += random::equal_jitter(from, 1s);
  CHECK(sum / 1000 > 730ms);
  CHECK(sum / 1000 < 770ms);
}

TEST_CASE("around spreads by the fraction to both sides") {
  constant_source lowest{0x00};
  constant_source highest{0xff};
  CHECK(random::around(lowest, 100s, 0.25) == 75s);
  CHECK(random::around(highest, 100s, 0.25) > 124'999ms);
  CHECK(random::around(highest, 100s, 0.25) <= 125s);
  CHECK(random::around(lowest, 100s, 0) == 100s);
  CHECK(random::around(lowest, 100s, 7) == 0s);     // held to 1
  CHECK(random::around(lowest, 100s, -1) == 100s);  // held to 0
}
