#include "simulator/server/certificate.hpp"

#include <doctest/doctest.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <stdexcept>

using namespace simulator;
using namespace std::chrono_literals;

namespace {

template <auto release>
struct releaser {
  template <class T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};
template <class T, auto release>
using owned = std::unique_ptr<T, releaser<release>>;

owned<X509, X509_free> parse(const std::string& pem) {
  const owned<BIO, BIO_free> text{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  return owned<X509, X509_free>{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)};
}

// What a TLS client that trusts that authority says of the certificate for that host.
int verify(const identity& leaf, const std::string& authority_pem, const std::string& host) {
  const auto certificate = parse(leaf.certificate_pem);
  const auto authority = parse(authority_pem);
  REQUIRE(certificate);
  REQUIRE(authority);
  const owned<X509_STORE, X509_STORE_free> store{X509_STORE_new()};
  X509_STORE_add_cert(store.get(), authority.get());
  const owned<X509_STORE_CTX, X509_STORE_CTX_free> context{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  auto* parameters = X509_STORE_CTX_get0_param(context.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) != 1)
    X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size());
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

}  // namespace

TEST_CASE("a certificate is good for its names and addresses, and for no other") {
  const auto authority = make_authority();
  const auto usual = make_certificate(authority);
  CHECK(verify(usual, authority.certificate_pem, "localhost") == X509_V_OK);
  CHECK(verify(usual, authority.certificate_pem, "127.0.0.1") == X509_V_OK);
  CHECK(verify(usual, authority.certificate_pem, "::1") == X509_V_OK);
  CHECK(verify(usual, authority.certificate_pem, "app.podero.test") == X509_V_ERR_HOSTNAME_MISMATCH);
  CHECK(verify(usual, authority.certificate_pem, "127.0.0.2") == X509_V_ERR_IP_ADDRESS_MISMATCH);
  const auto named = make_certificate(authority, {.host_names = {"app.podero.test", "*.example.test"}});
  CHECK(verify(named, authority.certificate_pem, "app.podero.test") == X509_V_OK);
  CHECK(verify(named, authority.certificate_pem, "a.example.test") == X509_V_OK);
  CHECK(verify(named, authority.certificate_pem, "localhost") == X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST_CASE("expired, future, self-signed and unknown certificates are what they are called") {
  const auto authority = make_authority();
  const auto now = std::chrono::system_clock::now();
  const auto expired = make_certificate(authority, {.valid = {.not_before = now - 48h, .not_after = now - 24h}});
  CHECK(verify(expired, authority.certificate_pem, "localhost") == X509_V_ERR_CERT_HAS_EXPIRED);
  const auto future = make_certificate(authority, {.valid = {.not_before = now + 24h, .not_after = now + 48h}});
  CHECK(verify(future, authority.certificate_pem, "localhost") == X509_V_ERR_CERT_NOT_YET_VALID);
  CHECK(verify(make_self_signed(), authority.certificate_pem, "localhost") == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  const auto other = make_authority("Another CA");
  CHECK(verify(make_certificate(other), authority.certificate_pem, "localhost") ==
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST_CASE("a name that is none is refused, also one that would smuggle in another") {
  const auto authority = make_authority();
  for (const auto* name : {"", "a b", "a.test,DNS:b.test", "a:b"})
    CHECK_THROWS_AS(make_certificate(authority, {.host_names = {name}}), std::runtime_error);
  CHECK_THROWS_AS(make_certificate({.certificate_pem = "x", .key_pem = "y"}), std::runtime_error);
}
