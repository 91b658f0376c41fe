#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/crypto.h>

namespace gateway::secrets {

// A text that must never be shown. It has no printer and no comparison but the constant-time one; whoever needs the
// bytes says so by name, which makes every such place easy to find. The bytes are wiped when the last copy goes.
class secret {
 public:
  secret() = default;
  explicit secret(std::string_view text) : text_{new std::string{text}, &wipe} {}

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
  static void wipe(std::string* text) noexcept {
    OPENSSL_cleanse(text->data(), text->size());
    delete text;
  }

  std::shared_ptr<std::string> text_;
};

// Of a text in which a secret stood, before its memory is given back or used for something else.
inline void wipe(std::string& text) noexcept {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace gateway::secrets
