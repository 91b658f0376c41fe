#pragma once

#include "simulator/server/certificate.hpp"
#include "tls/server_context.hpp"

#include <openssl/bn.h>
#include <openssl/x509.h>

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

// By which one certificate is told from another.
inline std::string serial_of(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number{
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), &BN_free};
  const std::unique_ptr<char, void (*)(char*)> text{BN_bn2hex(number.get()), [](char* t) { OPENSSL_free(t); }};
  return text.get();
}

}  // namespace gateway::support
