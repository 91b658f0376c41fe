#include "listener/entity_tag.hpp"

#include <openssl/evp.h>

#include <array>
#include <span>

#include "foundation/http/grammar.hpp"
#include "foundation/random/uuid.hpp"

namespace gateway::listener {

std::string entity_tag_of(std::string_view body) {
  std::array<unsigned char, 32> digest{};
  unsigned length = 0;
  EVP_Digest(body.data(), body.size(), digest.data(), &length, EVP_sha256(), nullptr);
  constexpr std::size_t bytes = 16;
  std::string tag(2 + 2 * bytes, '"');
  random::write_hex(std::as_bytes(std::span{digest}.first(bytes)), tag.data() + 1);
  return tag;
}

std::string none_match_of(const http::field_list& fields) {
  std::string all;
  for (const auto& one : fields.all()) {
    if (one.id != http::field::if_none_match) continue;
    if (!all.empty()) all += ',';
    all += one.value;
  }
  return all;
}

// Of a malformed list what can be read counts.
bool names(std::string_view list, std::string_view tag) noexcept {
  list = http::trimmed(list);
  if (list == "*") return true;
  while (!list.empty()) {
    const auto open = list.find('"');
    if (open == std::string_view::npos) return false;
    const auto close = list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(open, close - open + 1) == tag) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

}  // namespace gateway::listener
