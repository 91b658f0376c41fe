#pragma once

#include <array>
#include <string>
#include <string_view>

#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"
#include "upstream/pool.hpp"

namespace gateway::app {

// How an account's connections to Podero came up, and why they were closed.
class connection_instrument final : public upstream::pool_observer, public upstream::handshake_observer {
 public:
  connection_instrument(const std::string& account, const metrics::gateway_metrics& families, metrics::shard& shard);

  void opened() noexcept override {}
  void open_failed(std::string_view) noexcept override { failed_.add(); }
  void closed(upstream::close_reason why) noexcept override { closed_[static_cast<std::size_t>(why)]->add(); }
  void shaken(bool resumed) noexcept override { (resumed ? resumed_ : full_).add(); }

 private:
  std::array<metrics::counter*, upstream::all_close_reasons.size()> closed_;
  metrics::counter& failed_;
  metrics::counter& full_;
  metrics::counter& resumed_;
};

}  // namespace gateway::app
