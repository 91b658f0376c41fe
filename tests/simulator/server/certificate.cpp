#include "simulator/server/certificate.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace simulator {
namespace {

template <auto release>
struct releaser {
  template <class T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};

using key_ptr = std::unique_ptr<EVP_PKEY, releaser<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, releaser<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, releaser<BIO_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, releaser<X509_EXTENSION_free>>;
using address_ptr = std::unique_ptr<ASN1_OCTET_STRING, releaser<ASN1_OCTET_STRING_free>>;

void require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error{std::string{"certificate: cannot "} + what};
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const bio_ptr bio{BIO_new(BIO_s_mem())};
  require(bio && PEM_write_bio_X509(bio.get(), certificate) == 1, "write the certificate");
  return contents(bio.get());
}

std::string pem_of(EVP_PKEY* key) {
  const bio_ptr bio{BIO_new(BIO_s_mem())};
  require(bio && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "write the key");
  return contents(bio.get());
}

bio_ptr reading(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

key_ptr make_key() {
  key_ptr key{EVP_EC_gen("P-256")};
  require(key != nullptr, "make a key");
  return key;
}

void set_time(ASN1_TIME* field, std::chrono::system_clock::time_point when) {
  require(ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(when)) != nullptr, "set the validity");
}

void set_common_name(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  // RFC 5280 limits a common name to 64 characters; the host is in the alternative names anyway.
  const auto size = static_cast<int>(std::min<std::size_t>(64, name.size()));
  require(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text, size, -1, 0) == 1, "set the name");
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const extension_ptr extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "add an extension");
}

certificate_ptr make_empty(const std::string& name, const validity& valid, EVP_PKEY* key) {
  certificate_ptr certificate{X509_new()};
  require(certificate && X509_set_version(certificate.get(), 2) == 1, "begin");
  std::array<unsigned char, 16> serial{};
  require(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1, "draw a serial number");
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7FU) | 0x40U);  // positive, and always of the same length
  const std::unique_ptr<BIGNUM, releaser<BN_free>> number{
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr)};
  require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) != nullptr, "set the number");
  set_time(X509_getm_notBefore(certificate.get()), valid.not_before);
  set_time(X509_getm_notAfter(certificate.get()), valid.not_after);
  require(X509_set_pubkey(certificate.get(), key) == 1, "set the key");
  set_common_name(certificate.get(), name);
  return certificate;
}

// "DNS:localhost,IP:::1". The text goes to a parser that knows commas and colons, so names are checked first.
std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string out;
  for (const auto& host : hosts) {
    const bool sound = !host.empty() && std::ranges::all_of(host, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view{".-_*:"}.find(c) != std::string_view::npos;
    });
    if (!sound) throw std::runtime_error{"certificate: \"" + host + "\" is neither a host name nor an address"};
    const address_ptr address{a2i_IPADDRESS(host.c_str())};
    if (!address && host.find(':') != std::string::npos)
      throw std::runtime_error{"certificate: \"" + host + "\" is neither a host name nor an address"};
    if (!out.empty()) out += ',';
    out += (address ? "IP:" : "DNS:") + host;
  }
  return out;
}

// "URI:spiffe://example/portal", for the same parser.
std::string further_names(const std::vector<std::string>& uris) {
  std::string out;
  for (const auto& uri : uris) {
    const bool sound = !uri.empty() && std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 127 && c != ','; });
    if (!sound) throw std::runtime_error{"certificate: \"" + uri + "\" is no URI"};
    out += ",URI:" + uri;
  }
  return out;
}

certificate_ptr make_leaf(const leaf_wishes& wishes, EVP_PKEY* key) {
  if (wishes.host_names.empty()) throw std::runtime_error{"certificate: it needs a host name"};
  auto certificate = make_empty(wishes.host_names.front(), wishes.valid, key);
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), certificate.get(), NID_ext_key_usage,
                wishes.used_by == usage::server ? "serverAuth" : "clientAuth");
  add_extension(certificate.get(), certificate.get(), NID_subject_alt_name,
                alternative_names(wishes.host_names) + further_names(wishes.uris));
  return certificate;
}

void sign(X509* certificate, X509_NAME* issuer, EVP_PKEY* key) {
  require(X509_set_issuer_name(certificate, issuer) == 1, "set the issuer");
  require(X509_sign(certificate, key, EVP_sha256()) > 0, "sign");
}

}  // namespace

namespace {

struct signer {
  explicit signer(const identity& authority) {
    const auto certificate_text = reading(authority.certificate_pem);
    const auto key_text = reading(authority.key_pem);
    certificate.reset(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
    key.reset(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
    require(certificate && key, "read the authority");
  }
  void sign_for(X509* other) const {
    add_extension(other, certificate.get(), NID_authority_key_identifier, "keyid");
    sign(other, X509_get_subject_name(certificate.get()), key.get());
  }
  certificate_ptr certificate;
  key_ptr key;
};

certificate_ptr make_authority(const std::string& name, validity valid, EVP_PKEY* key, const std::string& constraints) {
  auto certificate = make_empty(name, valid, key);
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, constraints);
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  return certificate;
}

}  // namespace

identity make_authority(const std::string& name, validity valid) {
  const auto key = make_key();
  const auto certificate = make_authority(name, valid, key.get(), "critical,CA:TRUE");
  sign(certificate.get(), X509_get_subject_name(certificate.get()), key.get());
  return {pem_of(certificate.get()), pem_of(key.get())};
}

identity make_intermediate(const identity& authority, const std::string& name, validity valid) {
  const auto key = make_key();
  const auto certificate = make_authority(name, valid, key.get(), "critical,CA:TRUE,pathlen:0");
  signer{authority}.sign_for(certificate.get());
  return {pem_of(certificate.get()), pem_of(key.get())};
}

identity make_certificate(const identity& authority, const leaf_wishes& wishes) {
  const auto key = make_key();
  const auto leaf = make_leaf(wishes, key.get());
  signer{authority}.sign_for(leaf.get());
  return {pem_of(leaf.get()), pem_of(key.get())};
}

identity make_self_signed(const leaf_wishes& wishes) {
  const auto key = make_key();
  const auto leaf = make_leaf(wishes, key.get());
  sign(leaf.get(), X509_get_subject_name(leaf.get()), key.get());
  return {pem_of(leaf.get()), pem_of(key.get())};
}

}  // namespace simulator
