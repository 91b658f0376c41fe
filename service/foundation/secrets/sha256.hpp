#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace gateway::secrets {

// SHA-256 (FIPS 180-4) of a text, for keys and fingerprints. Any thread; allocates only the first time on a thread, and
// throws then only if OpenSSL has no such digest.
std::array<std::uint8_t, 32> sha256(std::string_view text);

}  // namespace gateway::secrets
