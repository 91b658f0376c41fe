#include "foundation/random/uuid.hpp"

#include <algorithm>

namespace gateway::random {

namespace {

constexpr auto pairs_of_digits = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<std::array<char, 2>, 256> all{};
  for (std::size_t byte = 0; byte < all.size(); ++byte) all[byte] = {digits[byte >> 4], digits[byte & 0xf]};
  return all;
}();

}  // namespace

void write_hex(std::span<const std::byte> bytes, char* into) noexcept {
  for (const std::byte b : bytes) into = std::ranges::copy(pairs_of_digits[std::to_integer<std::size_t>(b)], into).out;
}

uuid_text uuid_v4(std::span<const std::byte, 16> random_bytes) noexcept {
  std::array<std::byte, 16> b{};
  std::ranges::copy(random_bytes, b.begin());
  b[6] = (b[6] & std::byte{0x0f}) | std::byte{0x40};
  b[8] = (b[8] & std::byte{0x3f}) | std::byte{0x80};

  uuid_text out{};
  std::size_t at = 0;
  std::size_t from = 0;
  for (const std::size_t group : {4U, 2U, 2U, 2U, 6U}) {
    if (at != 0) out[at++] = '-';
    write_hex(std::span{b}.subspan(from, group), out.data() + at);
    at += 2 * group;
    from += group;
  }
  return out;
}

uuid_text make_uuid(source& from) {
  std::array<std::byte, 16> bytes{};
  from.fill(bytes);
  return uuid_v4(bytes);
}

}  // namespace gateway::random
