#include "app/trusted_authorities.hpp"

#include <utility>

namespace gateway::app {

struct trusted_authorities::destination {
  std::string key;
  std::filesystem::path file;
  tls::version min_version;
  settings::file_watch watch;
  std::shared_ptr<tls::client_context> context;
  std::string trouble;  // the last one reported, until it is over
};

trusted_authorities::trusted_authorities(std::shared_ptr<const settings::environment> environment, journal::log& log)
    : environment_{std::move(environment)}, log_{log} {}

trusted_authorities::~trusted_authorities() = default;

std::expected<std::shared_ptr<tls::client_context>, std::string> trusted_authorities::of(
    const std::string& key, const std::optional<std::filesystem::path>& ca_file, tls::version min_version) {
  tls::client_options options{.min_version = min_version};
  // Older than what is read: a change in between is seen at the first look.
  std::optional<settings::file_watch> watch;
  if (ca_file) {
    watch.emplace(std::vector{*ca_file});
    auto read_now = read(*ca_file, min_version);
    if (!read_now) return std::unexpected{key + ".ca_file: " + read_now.error()};
    options = std::move(*read_now);
  }
  auto context = tls::client_context::make(options);
  if (!context) return std::unexpected{key + ": " + context.error()};
  if (ca_file)
    watched_.push_back(
        std::make_unique<destination>(destination{key, *ca_file, min_version, std::move(*watch), *context, {}}));
  return context;
}

std::expected<tls::client_options, std::string> trusted_authorities::read(const std::filesystem::path& file,
                                                                          tls::version min_version) const {
  auto authorities = environment_->read_file(file);
  if (!authorities) return std::unexpected{std::move(authorities.error())};
  // To the context that would mean: whom the system trusts.
  if (authorities->empty()) return std::unexpected{std::string{"is empty"}};
  return tls::client_options{.ca_pem = std::move(*authorities), .min_version = min_version};
}

bool trusted_authorities::any_to_look_at() const noexcept {
  return !watched_.empty();
}

void trusted_authorities::look() {
  for (auto& each : watched_) {
    if (!each->watch.changed() && each->trouble.empty()) continue;
    const auto options = read(each->file, each->min_version);
    const auto reloaded = options ? each->context->reload(*options) : std::unexpected{options.error()};
    if (reloaded) {
      each->trouble.clear();
      log_.info("certificate authorities read again: new connections are verified by them",
                {{"key", std::string_view{each->key}}});
    } else if (each->trouble != reloaded.error()) {
      each->trouble = reloaded.error();
      log_.error("changed certificate authorities cannot be used: those of before stay in force",
                 {{"key", std::string_view{each->key}}, {"reason", std::string_view{each->trouble}}});
    }
  }
}

}  // namespace gateway::app
