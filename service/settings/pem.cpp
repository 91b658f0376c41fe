#include "settings/pem.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace gateway::settings {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using bio = std::unique_ptr<BIO, freed_by<&BIO_free_all>>;
using certificate = std::unique_ptr<X509, freed_by<&X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;

bio memory(std::string_view text) {
  return bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

// Without it OpenSSL asks at the terminal, and a start without one hangs.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

certificate next_certificate(BIO* source) {
  return certificate{PEM_read_bio_X509(source, nullptr, no_passphrase, nullptr)};
}

private_key read_key(std::string_view pem) {
  const auto source = memory(pem);
  return private_key{PEM_read_bio_PrivateKey(source.get(), nullptr, no_passphrase, nullptr)};
}

}  // namespace

std::string certificates_complaint(std::string_view pem) {
  ERR_clear_error();
  const auto source = memory(pem);
  bool any = false;
  while (next_certificate(source.get())) any = true;
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!any && at_end) return "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)";
  if (!at_end) return "holds a certificate that cannot be decoded";
  return "";
}

std::string private_key_complaint(std::string_view pem) {
  ERR_clear_error();
  const bool good = read_key(pem) != nullptr;
  ERR_clear_error();
  if (good) return "";
  if (pem.contains("ENCRYPTED")) return "holds a key with a passphrase, which nobody could type in at the start";
  return "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)";
}

bool key_fits(std::string_view certificate_pem, std::string_view key_pem) {
  const auto source = memory(certificate_pem);
  const auto first = next_certificate(source.get());
  const auto key = read_key(key_pem);
  const bool fits = first && key && X509_check_private_key(first.get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

}  // namespace gateway::settings
