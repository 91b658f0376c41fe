#pragma once

#include "foundation/random/source.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace gateway::random {

// "f47ac10b-58cc-4372-a567-0e02b2c3d479": no terminating zero.
using uuid_text = std::array<char, 36>;

// A version 4 UUID of these bytes (RFC 9562 section 5.4): six of the bits are overwritten by version and variant. Pure.
uuid_text uuid_v4(std::span<const std::byte, 16> random_bytes) noexcept;

// A fresh one. On the source's thread; throws what the source throws.
uuid_text make_uuid(source& from);

// Valid as long as the text.
constexpr std::string_view view(const uuid_text& text) noexcept {
  return {text.data(), text.size()};
}

// Two lower-case hexadecimal digits per byte; into must hold twice as many characters as there are bytes.
void write_hex(std::span<const std::byte> bytes, char* into) noexcept;

}  // namespace gateway::random
