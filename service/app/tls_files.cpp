#include "app/tls_files.hpp"

#include <chrono>

namespace gateway::app {
namespace {

constexpr auto between_looks = std::chrono::seconds{2};

}  // namespace

tls_files::tls_files(boost::asio::io_context& main, std::shared_ptr<const settings::environment> environment,
                     journal::log& log)
    : environment_{std::move(environment)}, log_{log}, trusted_{environment_, log_}, timer_{main} {}

std::expected<void, std::string> tls_files::read(const settings::listener_pair& wanted) {
  if (auto done = read(api_, "api", wanted.api, false); !done) return done;
  return read(admin_, "admin", wanted.admin, true);
}

std::expected<void, std::string> tls_files::read(std::unique_ptr<tls_listener>& into, const char* name,
                                                 const settings::listener& from, bool needs_certificate) {
  if (!from.tls) return {};
  auto made = tls_listener::make(name, *from.tls, needs_certificate, environment_, log_);
  if (!made) return std::unexpected{"listeners." + made.error()};
  into = std::move(*made);
  return {};
}

void tls_files::watch() {
  if (!api_ && !admin_ && !trusted_.any_to_look_at()) return;
  timer_.expires_after(between_looks);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    for (auto* each : {api_.get(), admin_.get()})
      if (each != nullptr) each->look();
    trusted_.look();
    watch();
  });
}

std::vector<certificate_seen> tls_files::certificates() const {
  std::vector<certificate_seen> all;
  for (const auto* one : {api_.get(), admin_.get()})
    if (one != nullptr) all.push_back({one->name(), one->up_to_date(), one->expiry()});
  return all;
}

void tls_files::declare_gauges(metrics::registry& registry, const metrics::gateway_metrics& families,
                               std::vector<metrics::computed>& into) const {
  into.push_back(registry.compute(families.tls_certificate_expiry_timestamp_seconds, [this](auto& out) {
    for (const auto& one : certificates())
      out.add(std::chrono::duration<double>{one.expiry.time_since_epoch()}.count(), one.listener);
  }));
  into.push_back(registry.compute(families.tls_reload_success, [this](auto& out) {
    for (const auto& one : certificates()) out.add(one.up_to_date ? 1.0 : 0.0, one.listener);
  }));
}

}  // namespace gateway::app
