#include "foundation/random/uuid.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

using namespace gateway;

namespace {

std::array<std::byte, 16> bytes_of(std::uint8_t first, std::uint8_t step) {
  std::array<std::byte, 16> out{};
  for (auto& b : out) {
    b = std::byte{first};
    first = static_cast<std::uint8_t>(first + step);
  }
  return out;
}

std::string text(std::uint8_t first, std::uint8_t step) {
  return std::string{random::view(random::uuid_v4(bytes_of(first, step)))};
}

}  // namespace

TEST_CASE("a UUID has its bytes in lower-case hexadecimal, but for version 4 and the variant") {
  CHECK(text(0x00, 0) == "00000000-0000-4000-8000-000000000000");
  CHECK(text(0xff, 0) == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(text(0x00, 0x11) == "00112233-4455-4677-8899-aabbccddeeff");
}

TEST_CASE("fresh UUIDs differ, and have version and variant") {
  random::system_source from;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto made = random::make_uuid(from);
    CHECK(made[14] == '4');
    CHECK(std::string_view{"89ab"}.contains(made[19]));
    seen.emplace(random::view(made));
  }
  CHECK(seen.size() == 1000);
}
