#pragma once
// The keys by which callers are known.

#include "foundation/secrets/secret.hpp"
#include "settings/values.hpp"

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace gateway::admission {

struct fresh_key {
  secrets::secret key;  // "ogw_" and 43 characters of base64url: shown once, to whoever asked for it
  std::string yaml;     // the lines for the configuration; they hold the digest only
};

// A new key for the caller of that name out of 256 random bits, which must come from a cryptographic source. The error
// says what is wrong with the name. The prefix lets scanners of repositories and logs recognise a leaked key.
std::expected<fresh_key, std::string> make_key(std::string_view caller_name, std::span<const std::uint8_t, 32> entropy);

settings::key_digest digest_of(std::string_view key);

}  // namespace gateway::admission
