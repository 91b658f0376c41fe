#include "tls/server_context.hpp"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

#include "tls/parts.hpp"
#include "tls/peer_certificate.hpp"

namespace gateway::tls {
namespace {

// OpenSSL refuses to resume verified sessions without one.
constexpr std::string_view session_context = "onboarding-gateway";

int choose_http11(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                  unsigned offered_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, alpn_http11.data(), alpn_http11.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int make_ticket(SSL*, void*) {
  return 1;
}

// A ticket outlives nothing that it stands for: whose certificate has expired meanwhile shakes hands in full. So does
// whoever showed one with TLS 1.2, where the rest of its chain is lost and it could not be verified again later (with
// TLS 1.3 such a connection gets no ticket in the first place, see `stream::verified`).
SSL_TICKET_RETURN read_ticket(SSL* connection, SSL_SESSION* session, const unsigned char*, std::size_t,
                              SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const auto* peer = SSL_SESSION_get0_peer(session);
  if (peer != nullptr &&
      (SSL_version(connection) < TLS1_3_VERSION || X509_cmp_current_time(X509_get0_notAfter(peer)) != 1))
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

std::expected<void, std::string> ask_for_certificates(SSL_CTX* context, const server_options& options) {
  const auto authorities = read_certificates(options.client_ca_pem);
  if (!authorities) return std::unexpected{"the clients' authorities: " + authorities.error()};
  if (auto trusted = trust(context, *authorities); !trusted)
    return std::unexpected{"the clients' authorities: " + trusted.error()};
  for (const auto& one : *authorities) SSL_CTX_add_client_CA(context, one.get());
  // Whatever stands in the file is trusted, also an authority that another one vouches for.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  int how = SSL_VERIFY_PEER;
  if (options.needs_client_certificate) how |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, how, nullptr);
  return {};
}

std::expected<time::wall_instant, std::string> show_own(SSL_CTX* context, const server_options& options) {
  auto chain = read_certificates(options.certificate_pem);
  if (!chain) return std::unexpected{"the certificate: " + chain.error()};
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1)
    return std::unexpected{"the certificate: " + last_error()};
  auto expiry = expiry_of(chain->front().get());
  for (std::size_t i = 1; i < chain->size(); ++i) {
    expiry = std::min(expiry, expiry_of((*chain)[i].get()));
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1)
      return std::unexpected{"the certificate: " + last_error()};
  }
  const auto key = read_private_key(options.private_key_pem.reveal());
  if (!key) return std::unexpected{"the private key: " + last_error()};
  // Asked before OpenSSL is told of the key: it would forget the certificate instead of refusing the key.
  if (X509_check_private_key(chain->front().get(), key.get()) != 1) {
    ERR_clear_error();
    return std::unexpected{std::string{"the private key does not belong to the certificate"}};
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return std::unexpected{"the private key: " + last_error()};
  return expiry;
}

}  // namespace

std::expected<server_context::prepared, std::string> server_context::prepare(const server_options& options) {
  auto context = make_context(TLS_server_method(), options.min_version);
  if (!context) return std::unexpected{last_error()};
  const auto expiry = show_own(context.get(), options);
  if (!expiry) return std::unexpected{expiry.error()};
  // No cache grows with the number of callers.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(session_context.data()),
                                 static_cast<unsigned>(session_context.size()));
  SSL_CTX_set_session_ticket_cb(context.get(), &make_ticket, &read_ticket, nullptr);
  // With TLS 1.2: forward secrecy and authenticated encryption only.
  if (SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) return std::unexpected{last_error()};
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_http11, nullptr);
  if (!options.client_ca_pem.empty())
    if (auto asks = ask_for_certificates(context.get(), options); !asks) return std::unexpected{asks.error()};
  return prepared{std::move(context), *expiry};
}

std::expected<std::shared_ptr<server_context>, std::string> server_context::make(const server_options& options) {
  auto first = prepare(options);
  if (!first) return std::unexpected{std::move(first.error())};
  return std::shared_ptr<server_context>{new server_context{std::move(*first)}};
}

std::expected<void, std::string> server_context::reload(const server_options& options) {
  auto next = prepare(options);
  if (!next) return std::unexpected{std::move(next.error())};
  {
    const std::lock_guard lock{mutex_};
    std::swap(in_force_, *next);
  }
  generation_.fetch_add(1, std::memory_order_release);
  return {};
}

context_ptr server_context::context() const {
  const std::lock_guard lock{mutex_};
  SSL_CTX_up_ref(in_force_.context.get());
  return context_ptr{in_force_.context.get()};
}

time::wall_instant server_context::expiry() const {
  const std::lock_guard lock{mutex_};
  return in_force_.expiry;
}

connection_ptr server_context::accept() {
  const auto now = context();
  connection_ptr connection{SSL_new(now.get())};
  if (connection) SSL_set_accept_state(connection.get());
  return connection;
}

bool server_context::vouches_for(const SSL* connection) const {
  auto* leaf = SSL_get0_peer_certificate(connection);
  if (leaf == nullptr) return false;
  const auto now = context();
  struct check_deleter {
    void operator()(X509_STORE_CTX* check) const noexcept { X509_STORE_CTX_free(check); }
  };
  const std::unique_ptr<X509_STORE_CTX, check_deleter> check{X509_STORE_CTX_new()};
  if (!check || X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(now.get()), leaf,
                                    SSL_get_peer_cert_chain(connection)) != 1)
    return false;
  X509_STORE_CTX_set_default(check.get(), "ssl_client");
  X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_PARTIAL_CHAIN);
  const bool holds = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  return holds;
}

}  // namespace gateway::tls
