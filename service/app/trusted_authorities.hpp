#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "foundation/journal/log.hpp"
#include "settings/environment.hpp"
#include "settings/file_watch.hpp"
#include "tls/context.hpp"

namespace gateway::app {

// Whom the gateway trusts when it is the client: of each destination (an account, Redis, the collector of traces) the
// authorities of its `ca_file`, or the system's. The files are read again when they change: new connections are
// verified by what they say then, those that are open stay. What cannot be used leaves the authorities of before in
// force, is reported, and tried again.
class trusted_authorities {
 public:
  trusted_authorities(std::shared_ptr<const settings::environment> environment, journal::log& log);
  ~trusted_authorities();

  // For the destination below `key` of the configuration ("accounts.prod.tls"); before `look` is called. The error
  // names the key and the reason.
  std::expected<std::shared_ptr<tls::client_context>, std::string> of(
      const std::string& key, const std::optional<std::filesystem::path>& ca_file,
      tls::version min_version = tls::version::tls_1_2);

  bool any_to_look_at() const noexcept;
  // Looks whether the files have changed. One thread; blocks on files.
  void look();

 private:
  struct destination;
  std::expected<tls::client_options, std::string> read(const std::filesystem::path& file,
                                                       tls::version min_version) const;

  const std::shared_ptr<const settings::environment> environment_;
  journal::log& log_;
  std::vector<std::unique_ptr<destination>> watched_;
};

}  // namespace gateway::app
