#include "tls/parts.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <utility>

namespace gateway::tls {
namespace {

bio_ptr reader_of(std::string_view text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

// Without it OpenSSL asks at the terminal, in the middle of serving.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

}  // namespace

std::string last_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  const auto* reason = ERR_reason_error_string(code);
  return reason != nullptr ? std::string{reason} : "TLS error " + std::to_string(code);
}

context_ptr make_context(const SSL_METHOD* method, version lowest) {
  context_ptr context{SSL_CTX_new(method)};
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), std::to_underlying(lowest));
  // One read where possible; a write that was partly taken may come from another address next time.
  SSL_CTX_set_read_ahead(context.get(), 1);
  // A connection that waits holds no buffers: the two take 33 KiB, and `memory.hpp` has them at hand.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

std::expected<std::vector<certificate_ptr>, std::string> read_certificates(std::string_view pem) {
  ERR_clear_error();
  std::vector<certificate_ptr> all;
  const auto input = reader_of(pem);
  while (certificate_ptr one{PEM_read_bio_X509(input.get(), nullptr, &no_passphrase, nullptr)})
    all.push_back(std::move(one));
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) return std::unexpected{"a certificate in it cannot be read: " + last_error()};
  ERR_clear_error();  // the end of the text is reported as an error
  if (all.empty()) return std::unexpected{std::string{"there is no certificate in it"}};
  return all;
}

key_ptr read_private_key(std::string_view pem) {
  const auto input = reader_of(pem);
  return key_ptr{PEM_read_bio_PrivateKey(input.get(), nullptr, &no_passphrase, nullptr)};
}

std::expected<void, std::string> trust(SSL_CTX* context, const std::vector<certificate_ptr>& roots) {
  auto* store = SSL_CTX_get_cert_store(context);
  for (const auto& root : roots)
    if (X509_STORE_add_cert(store, root.get()) != 1) return std::unexpected{last_error()};
  return {};
}

}  // namespace gateway::tls
