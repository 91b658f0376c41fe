#pragma once

#include <openssl/bn.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace gateway::support {

// By which one certificate is told from another.
inline std::string serial_of(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number{
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr), &BN_free};
  const std::unique_ptr<char, void (*)(char*)> text{BN_bn2hex(number.get()), [](char* t) { OPENSSL_free(t); }};
  return text.get();
}

}  // namespace gateway::support
