#include "tls/context.hpp"

#include "tls/parts.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/x509v3.h>

namespace gateway::tls {
namespace {

// Of one name. A server sends one or two with each connection, so that those that are opened together find some: with
// 16 of them a crowd's connections took 0.7 KiB more each, because more of them shook hands in full
// (bench/peers/memory.mjs).
constexpr std::size_t most_tickets = 64;

// For the key in the client context's table of sessions: the name that was given to `connect`.
int name_index() noexcept {
  static const int index = SSL_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* name, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<std::string*>(name); });
  return index;
}

}  // namespace

client_context::client_context(context_ptr context) noexcept : context_{std::move(context)} {
  SSL_CTX_set_app_data(context_.get(), this);
}

std::expected<context_ptr, std::string> client_context::prepare(const client_options& options) {
  auto context = make_context(TLS_client_method(), options.min_version);
  if (!context) return std::unexpected{last_error()};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (!options.ca_pem.empty()) {
    const auto roots = read_certificates(options.ca_pem);
    if (!roots) return std::unexpected{roots.error()};
    if (auto trusted = trust(context.get(), *roots); !trusted) return std::unexpected{trusted.error()};
  } else if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) != 1)
      return std::unexpected{options.ca_file + ": " + last_error()};
  } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return std::unexpected{"the system's certificate store: " + last_error()};
  }
  SSL_CTX_set_alpn_protos(context.get(), alpn_http11.data(), alpn_http11.size());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), &client_context::remember);
  return context;
}

std::expected<std::shared_ptr<client_context>, std::string> client_context::make(const client_options& options) {
  auto first = prepare(options);
  if (!first) return std::unexpected{std::move(first.error())};
  return std::shared_ptr<client_context>{new client_context{std::move(*first)}};
}

std::expected<void, std::string> client_context::reload(const client_options& options) {
  auto next = prepare(options);
  if (!next) return std::unexpected{std::move(next.error())};
  SSL_CTX_set_app_data(next->get(), this);
  const std::lock_guard lock{mutex_};
  context_.swap(*next);
  sessions_.clear();  // who resumes one is not verified again
  return {};
}

connection_ptr client_context::connect(const std::string& server_name, offered protocols) {
  const std::lock_guard lock{mutex_};
  connection_ptr connection{SSL_new(context_.get())};
  if (!connection) return connection;
  SSL_set_connect_state(connection.get());
  if (protocols == offered::http2_or_http11)
    SSL_set_alpn_protos(connection.get(), alpn_http2_http11.data(), alpn_http2_http11.size());
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(server_name, not_an_address);
  auto* parameters = SSL_get0_param(connection.get());
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = not_an_address ? SSL_set_tlsext_host_name(connection.get(), server_name.c_str()) == 1 &&
                                          X509_VERIFY_PARAM_set1_host(parameters, server_name.c_str(), 0) == 1
                                    : X509_VERIFY_PARAM_set1_ip_asc(parameters, server_name.c_str()) == 1;
  if (!named) return nullptr;  // verifying without a name verifies nothing
  SSL_set_ex_data(connection.get(), name_index(), new std::string{server_name});
  const auto known = sessions_.find(server_name);
  if (known == sessions_.end() || known->second.empty()) return connection;
  auto& newest = known->second.back();
  SSL_set_session(connection.get(), newest.get());  // which keeps it, too
  // A ticket of TLS 1.3 is for one connection (RFC 8446, appendix C.4), and OpenSSL would not send it again.
  if (SSL_SESSION_get_protocol_version(newest.get()) >= TLS1_3_VERSION) known->second.pop_back();
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
  if (SSL_get_SSL_CTX(connection) != self->context_.get()) return 0;  // verified by roots of before
  auto& known = self->sessions_[*name];
  if (known.size() == most_tickets) known.erase(known.begin());
  known.push_back(std::move(copy));
  return 0;
}

}  // namespace gateway::tls
