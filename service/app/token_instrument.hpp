#pragma once

#include <string>

#include "foundation/journal/log.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"
#include "token/keeper.hpp"
#include "upstream/target.hpp"

namespace gateway::app {

// How the renewals of an account's token end, and its token endpoint's handshakes.
class token_instrument final : public token::observer, public upstream::handshake_observer {
 public:
  token_instrument(std::string account, const metrics::gateway_metrics& families, metrics::shard& shard,
                   journal::log& log);

  void renewed(time::duration lifetime) override;
  void failed(const token::trouble& why) override;
  void adopted(time::duration left) override;
  void shaken(bool resumed) noexcept override { (resumed ? resumed_ : full_).add(); }

 private:
  std::string account_;
  journal::log& log_;
  metrics::counter& renewed_;
  metrics::counter& adopted_;
  metrics::counter& failed_;
  metrics::counter& refused_;
  metrics::counter& full_;
  metrics::counter& resumed_;
};

}  // namespace gateway::app
