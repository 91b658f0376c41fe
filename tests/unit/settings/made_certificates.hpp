#pragma once
// Keys and certificates made on the spot, so that no private key stands in the project.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace gateway::settings {

struct made_pair {
  std::string certificate;
  std::string key;
  std::string key_with_passphrase;
};

namespace made {

template <class Write>
std::string pem(Write write) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out{BIO_new(BIO_s_mem()), &BIO_free};
  write(out.get());
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace made

// A self-signed certificate and its key (P-256).
inline made_pair make_pair_of_files() {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  const std::unique_ptr<X509, void (*)(X509*)> certificate{X509_new(), &X509_free};
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  made_pair out;
  out.certificate = made::pem([&](BIO* to) { PEM_write_bio_X509(to, certificate.get()); });
  out.key = made::pem([&](BIO* to) { PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  std::string passphrase = "example-secret-not-real";
  out.key_with_passphrase = made::pem([&](BIO* to) {
    PEM_write_bio_PKCS8PrivateKey(to, key.get(), EVP_aes_256_cbc(), passphrase.data(),
                                  static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
  return out;
}

}  // namespace gateway::settings
