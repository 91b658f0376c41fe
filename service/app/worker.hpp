#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "app/handshakes.hpp"
#include "app/recent_traffic.hpp"
#include "app/request_instrument.hpp"
#include "app/service.hpp"
#include "app/status.hpp"

namespace gateway::app {

// Everything of one loop, in data-flow order.
class worker final : private time::deadline {
 public:
  worker(const service::parts& common, std::size_t number, const std::vector<std::unique_ptr<account_core>>& cores,
         shared_store* shared, const listener::rulebook& rules, admission::connection_ledger& connections,
         admission::request_count& requests);
  ~worker() override;
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  listener::server& callers() noexcept { return *server_; }
  const listener::server& callers() const noexcept { return *server_; }
  transport::loop& loop() noexcept { return on_.loop; }
  const transport::loop& loop() const noexcept { return on_.loop; }
  const recent_traffic& traffic() const noexcept { return traffic_; }
  // As they were a tenth of a second ago, to those of other loops. Any thread.
  void add_connections(std::vector<status_view::account>& to) const noexcept;
  std::uint64_t dropped_lines() const noexcept { return lines_.dropped(); }

  // On its loop.
  void adopt(std::shared_ptr<const listener::rulebook> rules, const settings::configuration& now);
  void drain() noexcept;

 private:
  struct connection_counts {
    std::atomic<std::size_t> idle{0};
    std::atomic<std::size_t> busy{0};
    std::atomic<std::size_t> connecting{0};
  };

  std::vector<listener::api_account> routes_to(const std::vector<std::unique_ptr<account_core>>& cores);
  void declare_gauges(const metrics::gateway_metrics& families,
                      const std::vector<std::unique_ptr<account_core>>& cores);
  void expired() override;
  void tick();
  void give_memory_back() noexcept;

  loop_parts on_;
  admission::load_gate load_;
  metrics::shard& shard_;
  journal::access_log lines_;
  trace::tracer tracer_;
  request_instrument instrument_;
  std::optional<handshake_instrument> handshakes_;
  recent_traffic traffic_;
  std::vector<connection_counts> connections_;  // to Podero, by account; as the page shows them
  std::vector<std::unique_ptr<account_on_loop>> accounts_;
  std::optional<listener::api> api_;
  std::optional<listener::server> server_;
  std::size_t most_open_ = 0;
  metrics::gauge* upstream_idle_ = nullptr;
  metrics::gauge* upstream_busy_ = nullptr;
  metrics::gauge* upstream_connecting_ = nullptr;
  std::vector<metrics::gauge*> idle_limits_;         // by account
  std::vector<metrics::gauge*> shared_connections_;  // the same
};

}  // namespace gateway::app
