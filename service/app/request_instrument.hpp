#pragma once

#include <span>
#include <string>

#include "app/service_level.hpp"
#include "foundation/journal/access_log.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/handle_cache.hpp"
#include "foundation/metrics/registry.hpp"
#include "listener/api.hpp"

namespace gateway::app {

// Turns what became of a loop's requests into its counters, lines and spans.
class request_instrument final : public listener::request_observer {
 public:
  // `accounts`: their names by index.
  request_instrument(const metrics::gateway_metrics& families, metrics::shard& shard, journal::access_log& lines,
                     journal::log& log, const transport::loop& loop, trace::tracer& tracer,
                     std::span<const std::string> accounts)
      : families_{families},
        shard_{shard},
        lines_{lines},
        log_{log},
        loop_{loop},
        tracer_{tracer},
        level_{families, shard, accounts} {}

  void answered(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages,
                unsigned upstream_status) override;
  void answered(const listener::answered_line& line) override;
  void failed(const listener::exchange& x, std::string_view reason) override;

 private:
  void count(const listener::exchange& x, time::duration took, const dispatch::stage_times& stages);
  void count_abandoned(const listener::exchange& x);
  void refused(std::uint8_t account_number, std::string_view account, std::uint16_t caller_number,
               std::string_view caller, errors::guard by);
  void note_span(const listener::exchange& x, time::duration took);

  const metrics::gateway_metrics& families_;
  metrics::shard& shard_;
  journal::access_log& lines_;
  journal::log& log_;
  const transport::loop& loop_;
  trace::tracer& tracer_;
  service_level level_;
  metrics::handle_cache<metrics::counter> requests_;
  metrics::handle_cache<metrics::counter> refusals_;
  metrics::handle_cache<metrics::counter> abandoned_;
  metrics::handle_cache<metrics::counter> lines_of_batches_;
  metrics::handle_cache<metrics::histogram> durations_;
  metrics::handle_cache<metrics::histogram> stages_;
};

}  // namespace gateway::app
