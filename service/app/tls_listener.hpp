#pragma once

#include <atomic>
#include <expected>
#include <memory>
#include <string>

#include "foundation/journal/log.hpp"
#include "settings/configuration.hpp"
#include "settings/environment.hpp"
#include "settings/file_watch.hpp"
#include "tls/server_context.hpp"

namespace gateway::app {

// TLS on one listener: what its connections share, and the files that it comes from, which are read again when they
// change. Mounted secrets change by a symlink swap, other tools write one file after the other: a set that cannot be
// used leaves the one before in force, is reported, and is tried again.
class tls_listener {
 public:
  // The error names the listener and the reason. `needs_client_certificate`: nobody comes in without one, where there
  // is an authority for them.
  static std::expected<std::unique_ptr<tls_listener>, std::string> make(
      std::string name, const settings::listener_tls& files, bool needs_client_certificate,
      std::shared_ptr<const settings::environment> environment, journal::log& log);

  const std::shared_ptr<tls::server_context>& context() const noexcept { return context_; }
  const std::string& name() const noexcept { return name_; }

  // Looks whether the files have changed. One thread; blocks on files.
  void look();

  // Any thread.
  bool up_to_date() const noexcept { return up_to_date_.load(std::memory_order_relaxed); }
  time::wall_instant expiry() const { return context_->expiry(); }

 private:
  tls_listener(std::string name, const settings::listener_tls& files, bool needs_client_certificate,
               std::shared_ptr<const settings::environment> environment, journal::log& log);
  std::expected<tls::server_options, std::string> read() const;
  void report(const std::string& trouble);

  const std::string name_;
  const settings::listener_tls files_;
  const bool needs_client_certificate_;
  const std::shared_ptr<const settings::environment> environment_;
  journal::log& log_;
  std::shared_ptr<tls::server_context> context_;
  settings::file_watch watch_;
  std::string trouble_;  // the last one reported, until it is over
  std::atomic<bool> up_to_date_{true};
};

}  // namespace gateway::app
