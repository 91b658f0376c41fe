#include "app/tls_listener.hpp"

#include <openssl/crypto.h>

#include <utility>

namespace gateway::app {
namespace {

std::vector<std::filesystem::path> paths_of(const settings::listener_tls& files) {
  std::vector<std::filesystem::path> all{files.certificate_file, files.private_key_file};
  if (files.client_ca_file) all.push_back(*files.client_ca_file);
  return all;
}

}  // namespace

tls_listener::tls_listener(std::string name, const settings::listener_tls& files, bool needs_client_certificate,
                           std::shared_ptr<const settings::environment> environment, journal::log& log)
    : name_{std::move(name)},
      files_{files},
      needs_client_certificate_{needs_client_certificate},
      environment_{std::move(environment)},
      log_{log},
      watch_{paths_of(files)} {}

std::expected<std::unique_ptr<tls_listener>, std::string> tls_listener::make(
    std::string name, const settings::listener_tls& files, bool needs_client_certificate,
    std::shared_ptr<const settings::environment> environment, journal::log& log) {
  std::unique_ptr<tls_listener> made{
      new tls_listener{std::move(name), files, needs_client_certificate, std::move(environment), log}};
  const auto options = made->read();
  if (!options) return std::unexpected{made->name_ + ".tls: " + options.error()};
  auto context = tls::server_context::make(*options);
  if (!context) return std::unexpected{made->name_ + ".tls: " + context.error()};
  made->context_ = std::move(*context);
  return made;
}

std::expected<tls::server_options, std::string> tls_listener::read() const {
  const auto content = [&](const std::filesystem::path& file) -> std::expected<std::string, std::string> {
    auto read = environment_->read_file(file);
    if (!read) return std::unexpected{file.string() + ": " + read.error()};
    return read;
  };
  auto certificate = content(files_.certificate_file);
  if (!certificate) return std::unexpected{std::move(certificate.error())};
  auto key = content(files_.private_key_file);
  if (!key) return std::unexpected{std::move(key.error())};
  tls::server_options options{.certificate_pem = std::move(*certificate),
                              .private_key_pem = secrets::secret{*key},
                              .needs_client_certificate = needs_client_certificate_};
  OPENSSL_cleanse(key->data(), key->size());
  if (!files_.client_ca_file) return options;
  auto authorities = content(*files_.client_ca_file);
  if (!authorities) return std::unexpected{std::move(authorities.error())};
  // Empty would mean: ask nobody.
  if (authorities->empty()) return std::unexpected{files_.client_ca_file->string() + ": is empty"};
  options.client_ca_pem = std::move(*authorities);
  return options;
}

void tls_listener::look() {
  // The identities are taken before the contents: what changes while they are read is seen the next time.
  if (!watch_.changed() && trouble_.empty()) return;
  const auto options = read();
  if (!options) return report(options.error());
  if (const auto reloaded = context_->reload(*options); !reloaded) return report(reloaded.error());
  trouble_.clear();
  up_to_date_.store(true, std::memory_order_relaxed);
  const auto expiry = std::chrono::floor<std::chrono::seconds>(context_->expiry().time_since_epoch());
  log_.info("TLS certificate read again: new connections use it",
            {{"listener", name_}, {"expires_at_unix", expiry.count()}});
}

void tls_listener::report(const std::string& trouble) {
  up_to_date_.store(false, std::memory_order_relaxed);
  if (trouble == trouble_) return;
  trouble_ = trouble;
  log_.error("changed TLS files cannot be used: the certificate and the authorities of before stay in force",
             {{"listener", name_}, {"reason", trouble}});
}

}  // namespace gateway::app
