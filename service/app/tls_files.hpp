#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "app/status.hpp"
#include "app/tls_listener.hpp"
#include "app/trusted_authorities.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"

namespace gateway::app {

// All of TLS that comes from files and is read again when they change: what the listeners show, and whom the gateway
// trusts as a client. Of the main thread, where nothing else is said.
class tls_files {
 public:
  tls_files(boost::asio::io_context& main, std::shared_ptr<const settings::environment> environment, journal::log& log);

  // Before anything is asked of them. Callers may come with a key instead of a certificate; for operators a certificate
  // is all there is. The error names the listener and the reason.
  std::expected<void, std::string> read(const settings::listener_pair& wanted);
  // Until main ends: looks every few seconds, if there is anything to look at.
  void watch();

  // Null: plain.
  std::shared_ptr<tls::server_context> of_callers() const { return context_of(api_); }
  std::shared_ptr<tls::server_context> of_operators() const { return context_of(admin_); }
  trusted_authorities& trusted() noexcept { return trusted_; }

  // Any thread.
  std::vector<certificate_seen> certificates() const;
  // For as long as these are kept, which must not be longer than this.
  void declare_gauges(metrics::registry& registry, const metrics::gateway_metrics& families,
                      std::vector<metrics::computed>& into) const;

 private:
  static std::shared_ptr<tls::server_context> context_of(const std::unique_ptr<tls_listener>& one) {
    return one ? one->context() : nullptr;
  }
  std::expected<void, std::string> read(std::unique_ptr<tls_listener>& into, const char* name,
                                        const settings::listener& from, bool needs_certificate);

  const std::shared_ptr<const settings::environment> environment_;
  journal::log& log_;
  trusted_authorities trusted_;
  std::unique_ptr<tls_listener> api_;
  std::unique_ptr<tls_listener> admin_;
  boost::asio::steady_timer timer_;
};

}  // namespace gateway::app
