#include "app/trace_export.hpp"

#include <future>

namespace gateway::app {
namespace {

std::vector<trace::span_queue*> each_of(const std::vector<std::unique_ptr<trace::span_queue>>& queues) {
  std::vector<trace::span_queue*> all;
  for (const auto& one : queues) all.push_back(one.get());
  return all;
}

std::vector<std::unique_ptr<trace::span_queue>> make_queues(std::size_t loops, std::size_t spans) {
  std::vector<std::unique_ptr<trace::span_queue>> all;
  for (std::size_t i = 0; i < loops; ++i) all.push_back(std::make_unique<trace::span_queue>(spans / loops));
  return all;
}

}  // namespace

std::expected<std::unique_ptr<trace_export>, std::string> trace_export::make(const parts& given) {
  const auto& how = given.configuration.tracing;
  if (!how.endpoint) return nullptr;
  telemetry::exporter::place where{
      .target = {.host = how.endpoint->host, .port = how.endpoint->port, .server_name = how.endpoint->host, .tls = {}},
      .host_header = how.endpoint->authority(),
      .path = how.endpoint->path.empty() ? "/v1/traces" : how.endpoint->path,
      .timeout = how.timeout};
  if (how.endpoint->scheme == "https") {
    auto context = given.trusted.of("tracing", how.ca_file);
    if (!context) return std::unexpected{std::move(context.error())};
    where.target.tls = std::move(*context);
  }
  return std::unique_ptr<trace_export>{new trace_export{given, std::move(where)}};
}

trace_export::trace_export(const parts& given, telemetry::exporter::place where)
    : queues_{make_queues(given.loops, given.configuration.tracing.queue)},
      shard_{given.metrics.add_shard()},
      exported_{shard_.at(given.families.trace_spans_exported_total)},
      lost_{shard_.at(given.families.trace_spans_dropped_total, "export_failed")},
      accepted_{shard_.at(given.families.trace_exports_total, "accepted")},
      refused_{shard_.at(given.families.trace_exports_total, "refused")},
      failed_{shard_.at(given.families.trace_exports_total, "failed")},
      queue_full_{given.metrics.compute(given.families.trace_spans_dropped_total,
                                        [this](auto& out) {
                                          std::uint64_t dropped = 0;
                                          for (const auto& one : queues_) dropped += one->dropped();
                                          out.add(static_cast<double>(dropped), "queue_full");
                                        })},
      exporter_{{.net = given.net, .queues = each_of(queues_), .from = given.from, .log = given.log, .observer = *this},
                std::move(where)} {}

void trace_export::tried(telemetry::export_end how) {
  switch (how) {
    case telemetry::export_end::accepted:
      return accepted_.add();
    case telemetry::export_end::refused:
      return refused_.add();
    case telemetry::export_end::failed:
      return failed_.add();
  }
}

void trace_export::flush(transport::loop& on, time::duration at_most) {
  const auto done = std::make_shared<std::promise<void>>();
  auto waiting = done->get_future();
  on.post([this, &on, at_most, done] { exporter_.finish(on.now() + at_most, [done] { done->set_value(); }); });
  waiting.wait_for(at_most);
}

}  // namespace gateway::app
