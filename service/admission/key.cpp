#include "admission/key.hpp"

#include "foundation/secrets/sha256.hpp"
#include "settings/rules.hpp"
#include "settings/scalars.hpp"

#include <openssl/crypto.h>

namespace gateway::admission {
namespace {

constexpr std::string_view prefix = "ogw_";

// RFC 4648 section 5, without padding.
void append_base64url(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const auto byte : bytes) {
    pending = (pending << 8U) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += digits[(pending >> bits) & 0x3FU];
    }
  }
  if (bits > 0) out += digits[(pending << (6 - bits)) & 0x3FU];
}

}  // namespace

settings::key_digest digest_of(std::string_view key) {
  return secrets::sha256(key);
}

std::expected<fresh_key, std::string> make_key(std::string_view caller_name,
                                               std::span<const std::uint8_t, 32> entropy) {
  if (auto what = settings::name_form(caller_name)) return std::unexpected(std::move(*what));
  if (caller_name == "anonymous") return std::unexpected("\"anonymous\" is the name of callers without a key");
  std::string text;
  text.reserve(64);  // so that no shorter copy stays behind in the heap
  text += prefix;
  append_base64url(text, entropy);
  fresh_key out{secrets::secret{text}, {}};
  out.yaml = "callers:\n  " + std::string{caller_name} + ":\n    key_sha256: [ \"" + settings::show(digest_of(text)) +
             "\" ]\n";
  OPENSSL_cleanse(text.data(), text.size());
  return out;
}

}  // namespace gateway::admission
