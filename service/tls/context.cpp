#include "tls/context.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

namespace gateway::tls {
namespace {

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

bio_ptr reader_of(std::string_view text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

context_ptr make_context(const SSL_METHOD* method, version lowest) {
  context_ptr context{SSL_CTX_new(method)};
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), std::to_underlying(lowest));
  // One read where possible; a write that was partly taken may come from another address next time.
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

std::expected<void, std::string> trust_pem(SSL_CTX* context, std::string_view pem) {
  const auto input = reader_of(pem);
  auto* store = SSL_CTX_get_cert_store(context);
  int count = 0;
  while (certificate_ptr certificate{PEM_read_bio_X509(input.get(), nullptr, nullptr, nullptr)}) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return std::unexpected{last_error()};
    ++count;
  }
  ERR_clear_error();  // the end of the text is reported as an error
  if (count == 0) return std::unexpected{std::string{"there is no certificate in it"}};
  return {};
}

// For the key in the client context's table of sessions: the name that was given to `connect`.
int name_index() noexcept {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* name, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(name); });
  return index;
}

constexpr std::array<unsigned char, 9> alpn_http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                  unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn_http11.data(), alpn_http11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::string last_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  const auto* reason = ERR_reason_error_string(code);
  return reason != nullptr ? std::string{reason} : "TLS error " + std::to_string(code);
}

std::expected<std::shared_ptr<client_context>, std::string> client_context::make(const client_options& options) {
  auto context = make_context(TLS_client_method(), options.min_version);
  if (!context) return std::unexpected{last_error()};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!options.ca_pem.empty()) {
    if (auto trusted = trust_pem(context.get(), options.ca_pem); !trusted) return std::unexpected{trusted.error()};
  } else if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) != 1)
      return std::unexpected{options.ca_file + ": " + last_error()};
  } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return std::unexpected{"the system's certificate store: " + last_error()};
  }
  SSL_CTX_set_alpn_protos(context.get(), alpn_http11.data(), alpn_http11.size());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), &client_context::remember);
  auto made = std::shared_ptr<client_context>{new client_context{std::move(context)}};
  SSL_CTX_set_app_data(made->context_.get(), made.get());
  return made;
}

connection_ptr client_context::connect(const std::string& server_name) {
  connection_ptr connection{SSL_new(context_.get())};
  if (!connection) return connection;
  SSL_set_connect_state(connection.get());
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(server_name, not_an_address);
  auto* parameters = SSL_get0_param(connection.get());
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = not_an_address ? SSL_set_tlsext_host_name(connection.get(), server_name.c_str()) == 1 &&
                                          X509_VERIFY_PARAM_set1_host(parameters, server_name.c_str(), 0) == 1
                                    : X509_VERIFY_PARAM_set1_ip_asc(parameters, server_name.c_str()) == 1;
  if (!named) return nullptr;  // verifying without a name verifies nothing
  SSL_set_ex_data(connection.get(), name_index(), new std::string{server_name});
  const std::lock_guard lock{mutex_};
  if (const auto known = sessions_.find(server_name); known != sessions_.end())
    SSL_set_session(connection.get(), known->second.get());
  return connection;
}

int client_context::remember(SSL* connection, SSL_SESSION* session) noexcept {
  auto* self = static_cast<client_context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
  const auto* name = static_cast<const std::string*>(SSL_get_ex_data(connection, name_index()));
  if (self == nullptr || name == nullptr) return 0;
  // A copy: OpenSSL marks the connection's own as not resumable when the connection ends without a goodbye.
  session_ptr copy{SSL_SESSION_dup(session)};
  if (!copy) return 0;
  const std::lock_guard lock{self->mutex_};
  self->sessions_[*name] = std::move(copy);
  return 0;
}

std::expected<std::shared_ptr<server_context>, std::string> server_context::make(const server_options& options) {
  auto context = make_context(TLS_server_method(), options.min_version);
  if (!context) return std::unexpected{last_error()};
  const auto chain = reader_of(options.certificate_pem);
  const certificate_ptr leaf{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)};
  if (!leaf || SSL_CTX_use_certificate(context.get(), leaf.get()) != 1)
    return std::unexpected{"the certificate: " + last_error()};
  while (auto* next = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr))
    SSL_CTX_add_extra_chain_cert(context.get(), next);
  ERR_clear_error();
  const auto key_input = reader_of(options.private_key_pem.reveal());
  const key_ptr key{PEM_read_bio_PrivateKey(key_input.get(), nullptr, nullptr, nullptr)};
  if (!key || SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
    return std::unexpected{"the private key: " + last_error()};
  if (SSL_CTX_check_private_key(context.get()) != 1)
    return std::unexpected{std::string{"the private key does not belong to the certificate"}};
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_http11, nullptr);
  return std::shared_ptr<server_context>{new server_context{std::move(context)}};
}

connection_ptr server_context::accept() {
  connection_ptr connection{SSL_new(context_.get())};
  if (connection) SSL_set_accept_state(connection.get());
  return connection;
}

}  // namespace gateway::tls
