#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "app/loop_parts.hpp"
#include "app/trusted_authorities.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/registry.hpp"
#include "settings/configuration.hpp"
#include "telemetry/exporter.hpp"

namespace gateway::app {

// The spans' way out of the process, where one is configured: a queue per loop, and the exporter with its counters.
class trace_export final : private telemetry::export_observer {
 public:
  struct parts {
    const settings::configuration& configuration;
    trusted_authorities& trusted;
    upstream::network net;  // of the loop that exports: one that serves no caller
    std::size_t loops = 1;  // that write spans
    telemetry::resource from;
    journal::log& log;
    metrics::registry& metrics;
    const metrics::gateway_metrics& families;
  };
  // Null where nothing is to be exported. The error says what of the collector's TLS cannot be used.
  static std::expected<std::unique_ptr<trace_export>, std::string> make(const parts& given);

  trace::span_queue* queue(std::size_t loop) noexcept { return queues_[loop].get(); }
  // On the exporting loop, or before it runs.
  void start() { exporter_.start(); }
  // Any thread but the exporting loop's, once no loop writes any more: what is queued is sent. Waits up to that long.
  void flush(transport::loop& on, time::duration at_most);

 private:
  trace_export(const parts& given, telemetry::exporter::place where);

  void exported(std::size_t spans) override { exported_.add(spans); }
  void lost(std::size_t spans) override { lost_.add(spans); }
  void tried(telemetry::export_end how) override;

  std::vector<std::unique_ptr<trace::span_queue>> queues_;
  metrics::shard& shard_;  // written by the exporting loop alone
  metrics::counter& exported_;
  metrics::counter& lost_;
  metrics::counter& accepted_;
  metrics::counter& refused_;
  metrics::counter& failed_;
  metrics::computed queue_full_;
  telemetry::exporter exporter_;
};

}  // namespace gateway::app
