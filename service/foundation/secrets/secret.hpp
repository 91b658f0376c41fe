#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/crypto.h>
#include <strings.h>

namespace gateway::secrets {

// Of bytes among which a secret stood, before their memory is given back or used for something else. The C library's,
// which no compiler leaves out either: OPENSSL_cleanse has eight bytes a step, and took 1,200 instructions of a request
// (callgrind).
inline void wipe(std::span<char> bytes) noexcept {
  ::explicit_bzero(bytes.data(), bytes.size());
}
inline void wipe(std::string& text) noexcept {
  wipe(std::span<char>{text});
  text.clear();
}

// A text that must never be shown. It has no printer and no comparison but the constant-time one; whoever needs the
// bytes says so by name, which makes every such place easy to find. The bytes are wiped when the last copy goes.
class secret {
 public:
  secret() = default;
  explicit secret(std::string_view text) : text_{new std::string{text}, &forget} {}

  bool empty() const noexcept { return !text_ || text_->empty(); }
  std::size_t size() const noexcept { return text_ ? text_->size() : 0; }

  // The bytes, for the one place that sends or hashes them. Valid as long as this object lives.
  std::string_view reveal() const noexcept { return text_ ? std::string_view{*text_} : std::string_view{}; }

  // In constant time for texts of equal length; the length itself is not secret.
  friend bool same(const secret& a, const secret& b) noexcept {
    return a.size() == b.size() && (a.size() == 0 || CRYPTO_memcmp(a.text_->data(), b.text_->data(), a.size()) == 0);
  }
  friend bool operator==(const secret&, const secret&) = delete;

 private:
  static void forget(std::string* text) noexcept {
    wipe(*text);
    delete text;
  }

  std::shared_ptr<std::string> text_;
};

}  // namespace gateway::secrets
