#pragma once
// What the client's and the server's context have in common. For this folder only.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <array>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tls/context.hpp"

namespace gateway::tls {

struct bio_deleter {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
struct certificate_deleter {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct key_deleter {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using bio_ptr = std::unique_ptr<BIO, bio_deleter>;
using certificate_ptr = std::unique_ptr<X509, certificate_deleter>;
using key_ptr = std::unique_ptr<EVP_PKEY, key_deleter>;

inline constexpr std::array<unsigned char, 9> alpn_http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
inline constexpr std::array<unsigned char, 12> alpn_http2_http11{2,   'h', '2', 8,   'h', 't',
                                                                 't', 'p', '/', '1', '.', '1'};

context_ptr make_context(const SSL_METHOD* method, version lowest);

// All certificates of a PEM text, at least one. A text that breaks off in the middle of one is an error: it may be a
// file that is being written.
std::expected<std::vector<certificate_ptr>, std::string> read_certificates(std::string_view pem);

// The unencrypted private key of a PEM text; nobody is asked for a passphrase.
key_ptr read_private_key(std::string_view pem);

// Trusts each of these as the end of a chain.
std::expected<void, std::string> trust(SSL_CTX* context, const std::vector<certificate_ptr>& roots);

}  // namespace gateway::tls
