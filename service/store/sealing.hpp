#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/random/source.hpp"
#include "foundation/secrets/secret.hpp"

namespace gateway::store {

// Seals what is kept in a store that others may read, with keys that only those have who know the account's client
// secret: AES-256-GCM (NIST SP 800-38D) with a random nonce, under keys derived by HKDF-SHA256 (RFC 5869). Immutable;
// any thread.
class sealing {
 public:
  // `purpose` is a fixed text of the code: two purposes have nothing in common. Throws std::runtime_error where OpenSSL
  // fails, or where the secret is empty.
  sealing(const secrets::secret& from, std::string_view purpose);
  ~sealing();
  sealing(const sealing&) = delete;
  sealing& operator=(const sealing&) = delete;

  // 16 hexadecimal digits that tell one secret's keys from another's, and from which nothing else can be learnt. For
  // names, so that an old and a new secret do not overwrite each other's values.
  const std::string& fingerprint() const noexcept { return fingerprint_; }

  // What stands for a text that nobody is to read or guess: its HMAC-SHA256, 64 hexadecimal digits.
  std::string hidden(std::string_view text) const;

  // `name` is where the sealed value will be: nothing can be moved to another name. Throws where OpenSSL or the source
  // of randomness fails.
  std::string seal(std::string_view clear, std::string_view name, random::source& randomness) const;
  // Nothing where it was not sealed with this key under this name, or was changed since.
  std::optional<std::string> unseal(std::string_view sealed, std::string_view name) const;

 private:
  using key = std::array<unsigned char, 32>;
  key sealing_key_{};
  key naming_key_{};
  std::string fingerprint_;
};

}  // namespace gateway::store
