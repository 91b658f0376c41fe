#include "foundation/secrets/sha256.hpp"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace gateway::secrets {
namespace {

struct deleter {
  void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// Looked up and set up once: SHA256() of OpenSSL 3 does both for every text, at five times the price (6,000
// instructions instead of 1,200 for a key of 40 characters; callgrind).
EVP_MD_CTX* of_thread() {
  static const std::unique_ptr<EVP_MD, deleter> digest{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  thread_local const std::unique_ptr<EVP_MD_CTX, deleter> context{EVP_MD_CTX_new()};
  if (!digest || !context || EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) != 1)
    throw std::runtime_error{"SHA-256 is not to be had from OpenSSL"};
  return context.get();
}

}  // namespace

std::array<std::uint8_t, 32> sha256(std::string_view text) {
  auto* const context = of_thread();
  std::array<std::uint8_t, 32> out{};
  unsigned length = 0;
  if (EVP_DigestUpdate(context, text.data(), text.size()) != 1 || EVP_DigestFinal_ex(context, out.data(), &length) != 1)
    throw std::runtime_error{"SHA-256 failed in OpenSSL"};
  return out;
}

}  // namespace gateway::secrets
