#include "store/sealing.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <span>
#include <stdexcept>

#include "foundation/random/uuid.hpp"

namespace gateway::store {

namespace {

// A sealed value: this byte, the nonce, the text, the tag.
constexpr char form = 1;
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t overhead = 1 + nonce_size + tag_size;

template <auto Free>
struct freeing {
  template <typename T>
  void operator()(T* what) const noexcept {
    Free(what);
  }
};
using kdf = std::unique_ptr<EVP_KDF, freeing<&EVP_KDF_free>>;
using kdf_context = std::unique_ptr<EVP_KDF_CTX, freeing<&EVP_KDF_CTX_free>>;
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, freeing<&EVP_CIPHER_CTX_free>>;

void require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error{std::string{"OpenSSL has failed to "} + what};
}

const unsigned char* bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(char* text) noexcept {
  return reinterpret_cast<unsigned char*>(text);
}
int length(std::string_view text) {
  if (text.size() > 1U << 30U) throw std::length_error{"too long to be sealed"};
  return static_cast<int>(text.size());
}

void derive(std::string_view from, std::string info, std::span<unsigned char> into) {
  const kdf hkdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
  require(hkdf != nullptr, "find HKDF");
  const kdf_context context{EVP_KDF_CTX_new(hkdf.get())};
  require(context != nullptr, "make a context");
  std::string hash = "SHA256";
  // OpenSSL's parameters are not const, and are only read.
  auto* secret = const_cast<char*>(from.data());
  const OSSL_PARAM how[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), hash.size()),
                            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, from.size()),
                            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                            OSSL_PARAM_construct_end()};
  require(EVP_KDF_derive(context.get(), into.data(), into.size(), how) == 1, "derive a key");
}

std::string hex(std::span<const unsigned char> what) {
  std::string text(2 * what.size(), '\0');
  random::write_hex(std::as_bytes(what), text.data());
  return text;
}

}  // namespace

sealing::sealing(const secrets::secret& from, std::string_view purpose) {
  if (from.empty()) throw std::runtime_error{"there is no secret to derive a key from"};
  const auto info = [&](std::string_view what) {
    return "onboarding-gateway/" + std::string{purpose} + "/" + std::string{what} + "/1";
  };
  std::array<unsigned char, 8> print{};
  derive(from.reveal(), info("fingerprint"), print);
  derive(from.reveal(), info("naming"), naming_key_);
  derive(from.reveal(), info("sealing"), sealing_key_);
  fingerprint_ = hex(print);
}

sealing::~sealing() {
  OPENSSL_cleanse(sealing_key_.data(), sealing_key_.size());
  OPENSSL_cleanse(naming_key_.data(), naming_key_.size());
}

std::string sealing::hidden(std::string_view text) const {
  std::array<unsigned char, 32> mac{};
  const auto* made = HMAC(EVP_sha256(), naming_key_.data(), static_cast<int>(naming_key_.size()), bytes(text),
                          text.size(), mac.data(), nullptr);
  require(made != nullptr, "make an HMAC");
  return hex(mac);
}

std::string sealing::seal(std::string_view clear, std::string_view name, random::source& randomness) const {
  std::string sealed(overhead + clear.size(), '\0');
  sealed[0] = form;
  auto* const nonce = sealed.data() + 1;
  auto* const text = nonce + nonce_size;
  auto* const tag = text + clear.size();
  randomness.fill(std::as_writable_bytes(std::span{nonce, nonce_size}));
  const cipher_context context{EVP_CIPHER_CTX_new()};
  int size = 0;
  const bool fine =
      context != nullptr &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, sealing_key_.data(), bytes(nonce)) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, bytes(name), length(name)) == 1 &&
      EVP_EncryptUpdate(context.get(), bytes(text), &size, bytes(clear), length(clear)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), bytes(tag), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, tag) == 1;
  require(fine, "seal");
  return sealed;
}

std::optional<std::string> sealing::unseal(std::string_view sealed, std::string_view name) const {
  if (sealed.size() < overhead || sealed[0] != form) return std::nullopt;
  const auto nonce = sealed.substr(1, nonce_size);
  const auto text = sealed.substr(1 + nonce_size, sealed.size() - overhead);
  std::string tag{sealed.substr(sealed.size() - tag_size)};
  std::string clear(text.size() + 1, '\0');  // never empty: there is something to point to
  const cipher_context context{EVP_CIPHER_CTX_new()};
  require(context != nullptr, "make a context");
  int size = 0;
  const bool genuine =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, sealing_key_.data(), bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes(name), length(name)) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes(clear.data()), &size, bytes(text), length(text)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes(clear.data()), &size) == 1;
  if (!genuine) {
    OPENSSL_cleanse(clear.data(), clear.size());
    return std::nullopt;
  }
  clear.resize(text.size());
  return clear;
}

}  // namespace gateway::store
