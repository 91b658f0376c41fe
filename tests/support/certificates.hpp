#pragma once

#include "simulator/server/certificate.hpp"
#include "support/serial.hpp"
#include "tls/server_context.hpp"

#include <openssl/pem.h>

namespace gateway::support {

// One authority and one server certificate for the whole test program: making them takes milliseconds, and nothing
// changes them.
struct test_certificates {
  simulator::identity authority = simulator::make_authority("Test CA");
  simulator::identity server = simulator::make_certificate(authority, {.host_names = {"podero.test", "localhost"}});
};
inline const test_certificates& certificates() {
  static const test_certificates made;
  return made;
}

inline std::shared_ptr<tls::client_context> trusting(const simulator::identity& authority) {
  tls::client_options options;
  options.ca_pem = authority.certificate_pem;
  return tls::client_context::make(options).value();
}

inline std::shared_ptr<tls::server_context> serving(const simulator::identity& server) {
  return tls::server_context::make(
             {.certificate_pem = server.certificate_pem, .private_key_pem = secrets::secret{server.key_pem}})
      .value();
}

// The connection shows this certificate where it is asked for one.
inline void show(SSL* connection, const simulator::identity& who) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate_text{
      BIO_new_mem_buf(who.certificate_pem.data(), static_cast<int>(who.certificate_pem.size())), &BIO_free};
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_text{
      BIO_new_mem_buf(who.key_pem.data(), static_cast<int>(who.key_pem.size())), &BIO_free};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{
      PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr), &X509_free};
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
      PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free};
  SSL_use_certificate(connection, certificate.get());
  SSL_use_PrivateKey(connection, key.get());
}

}  // namespace gateway::support
