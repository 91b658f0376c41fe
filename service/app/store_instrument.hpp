#pragma once

#include <functional>
#include <string>

#include "app/store_refusals.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"
#include "foundation/transport/loop.hpp"
#include "store/redis/observer.hpp"
#include "store/redis_records.hpp"

namespace gateway::app {

// What becomes of a loop's connection to the shared store: the first loop's is logged, and everybody's is counted. What
// the store refuses is logged for all of them.
class store_instrument final : public store::redis::observer {
 public:
  store_instrument(const transport::loop& loop, const metrics::gateway_metrics& families, metrics::shard& shard,
                   journal::log* log, store_refusals& refusals)
      : loop_{loop}, log_{log}, durations_{shard.at(families.store_duration_seconds)}, refusals_{refusals} {}

  void on_connected(std::function<void(const store::redis::server_facts&)> what) { connected_ = std::move(what); }

  void connected(const store::redis::server_facts& facts) noexcept override;
  void connect_failed(std::string_view reason, time::duration again_in) noexcept override;
  void disconnected(std::string_view reason, time::duration again_in) noexcept override;
  void ended(std::string_view name, time::duration took, const store::redis::trouble* why) noexcept override;

 private:
  const transport::loop& loop_;
  journal::log* log_;
  metrics::histogram& durations_;
  store_refusals& refusals_;
  std::function<void(const store::redis::server_facts&)> connected_;
  bool said_failing_ = false;
};

// What goes wrong with an account's records.
class record_instrument final : public store::record_observer {
 public:
  record_instrument(std::string account, journal::log& log) : account_{std::move(account)}, log_{log} {}
  void unreadable() noexcept override;
  void not_recorded(store::key_event what) noexcept override;

 private:
  std::string account_;
  journal::log& log_;
};

}  // namespace gateway::app
