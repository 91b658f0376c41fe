#include "app/worker.hpp"

#include <malloc.h>

#include <algorithm>

#include "app/listening.hpp"
#include "foundation/transport/frame_cache.hpp"
#include "foundation/transport/text_cache.hpp"

namespace gateway::app {
namespace {

constexpr auto tick_length = std::chrono::milliseconds{100};
constexpr std::size_t many_connections = 256;

std::vector<std::string> names_of(const std::vector<std::unique_ptr<account_core>>& cores) {
  std::vector<std::string> names;
  for (const auto& core : cores) names.push_back(core->name);
  return names;
}

}  // namespace

worker::worker(const service::parts& common, std::size_t number,
               const std::vector<std::unique_ptr<account_core>>& cores, shared_store* shared,
               const listener::rulebook& rules, admission::connection_ledger& connections,
               admission::request_count& requests)
    : on_{common.loops[number]},
      load_{requests, common.configuration->overload.max_loop_lag},
      shard_{common.metrics.add_shard()},
      lines_{on_.lines,
             {.style = common.configuration->log.format == settings::log_format::json ? journal::format::json
                                                                                      : journal::format::text}},
      tracer_{on_.randomness, on_.spans, common.configuration->tracing.sample_ratio},
      instrument_{common.families, shard_, lines_, common.log, on_.loop, tracer_, names_of(cores)},
      traffic_{instrument_, common.clock, rules.callers->callers().size()},
      connections_(cores.size()) {
  listener::server_tls tls;
  if (common.caller_tls) {
    handshakes_.emplace("api", common.families, shard_, common.log, common.clock);
    // Half of the places: who never ends a handshake takes none from those who do.
    const auto places = common.configuration->listeners.api.max_connections / common.loops.size();
    tls = {common.caller_tls, &*handshakes_, std::max<std::size_t>(1, places / 2)};
  }
  for (const auto& core : cores)
    accounts_.push_back(std::make_unique<account_on_loop>(*core, on_, number, shared, common.families, shard_,
                                                          common.log, lines_, tracer_,
                                                          common.configuration->log.audit));
  api_.emplace(listener::api::parts{.clock = common.clock,
                                    .loop = on_.loop,
                                    .rules = std::make_shared<const listener::rulebook>(rules),
                                    .accounts = routes_to(cores),
                                    .papers = common.papers,
                                    .body_limit = common.configuration->listeners.api.limits.body.bytes,
                                    .observer = traffic_,
                                    .tracer = tracer_});
  server_.emplace(on_.loop, *api_,
                  server_options_of(common.configuration->listeners.api, connections, &load_, std::move(tls)),
                  on_.randomness);
  declare_gauges(common.families, cores);
  tick();
}

worker::~worker() {
  lines_.flush();
}

void worker::add_connections(std::vector<status_view::account>& to) const noexcept {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    to[i].upstream.idle += connections_[i].idle.load(std::memory_order_relaxed);
    to[i].upstream.busy += connections_[i].busy.load(std::memory_order_relaxed);
    to[i].upstream.connecting += connections_[i].connecting.load(std::memory_order_relaxed);
  }
}

void worker::adopt(std::shared_ptr<const listener::rulebook> rules, const settings::configuration& now) {
  traffic_.make_room_for(rules->callers->callers().size());
  for (auto& account : accounts_) account->adopt(now.accounts.at(account->name()), rules->callers->callers());
  api_->adopt(std::move(rules));
}

void worker::drain() noexcept {
  server_->drain();
  for (auto& account : accounts_) account->drain();
}

std::vector<listener::api_account> worker::routes_to(const std::vector<std::unique_ptr<account_core>>& cores) {
  std::vector<listener::api_account> routes;
  for (std::size_t i = 0; i < cores.size(); ++i)
    routes.push_back({cores[i]->name, &accounts_[i]->sessions(), &accounts_[i]->waiting(), &accounts_[i]->users(),
                      &accounts_[i]->devices()});
  return routes;
}

void worker::declare_gauges(const metrics::gateway_metrics& families,
                            const std::vector<std::unique_ptr<account_core>>& cores) {
  for (const auto& core : cores) {
    idle_limits_.push_back(&shard_.at(families.upstream_idle_limit_seconds, core->name));
    shared_connections_.push_back(&shard_.at(families.upstream_http2_connections, core->name));
  }
  upstream_idle_ = &shard_.at(families.connections, "upstream", "idle");
  upstream_busy_ = &shard_.at(families.connections, "upstream", "busy");
  upstream_connecting_ = &shard_.at(families.connections, "upstream", "connecting");
}

// Every tenth of a second: what is waiting to be written goes out, what is only counted here is shown.
void worker::expired() {
  tick();
}

void worker::tick() {
  load_.late_by(on_.loop.lag());
  for (const auto& account : accounts_) account->tell_storms();
  lines_.flush();
  std::size_t idle = 0;
  std::size_t busy = 0;
  std::size_t connecting = 0;
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    const auto counts = accounts_[i]->connections();
    idle_limits_[i]->set(std::chrono::duration<double>{accounts_[i]->rest_limit()}.count());
    shared_connections_[i]->set(static_cast<double>(accounts_[i]->shared_connections()));
    connections_[i].idle.store(counts.idle, std::memory_order_relaxed);
    connections_[i].busy.store(counts.busy, std::memory_order_relaxed);
    connections_[i].connecting.store(counts.connecting, std::memory_order_relaxed);
    idle += counts.idle;
    busy += counts.busy;
    connecting += counts.connecting;
  }
  upstream_idle_->set(static_cast<double>(idle));
  upstream_busy_->set(static_cast<double>(busy));
  upstream_connecting_->set(static_cast<double>(connecting));
  give_memory_back();
  arm(on_.loop.deadlines(), on_.loop.now() + tick_length);
}

// Once most of many connections are gone: what they took lies in pieces all over the heap, and the allocator of the C
// library keeps it until it is told.
void worker::give_memory_back() noexcept {
  const auto open = server_ ? server_->connections() : 0;
  most_open_ = std::max(most_open_, open);
  if (most_open_ < many_connections || open > most_open_ / 2) return;
  most_open_ = open;
  transport::frame_cache::trim();
  transport::text_cache::trim();
  ::malloc_trim(0);
}

}  // namespace gateway::app
