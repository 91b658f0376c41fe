#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/account.hpp"
#include "app/limits.hpp"
#include "app/loop_parts.hpp"
#include "app/store_instrument.hpp"
#include "app/store_refusals.hpp"
#include "app/trusted_authorities.hpp"
#include "settings/configuration.hpp"
#include "settings/environment.hpp"
#include "store/courier.hpp"
#include "store/durability.hpp"
#include "store/hints.hpp"
#include "store/ledger_scripts.hpp"
#include "store/redis/client.hpp"
#include "store/redis/subscriber.hpp"

namespace gateway::app {

// The Redis that replicas share, from this process: every loop has a connection of its own and one for hints.
class shared_store {
 public:
  // The error says what of the settings cannot be used.
  static std::expected<std::unique_ptr<shared_store>, std::string> make(
      const settings::redis& from, std::shared_ptr<const settings::environment> environment,
      trusted_authorities& trusted, const std::vector<loop_parts>& loops, metrics::registry& registry,
      const metrics::gateway_metrics& families, journal::log& log);
  ~shared_store();

  // Before the loops run, once. `connected` is called on the first loop with the run id of the server, each time that
  // there is a new connection, before anything goes over it.
  void start(std::function<void(const std::string& run_id)> connected);

  // On the first loop, for one at a time: until there is a connection, or until `until`.
  transport::task<> connection(time::instant until);

  // Of one loop.
  store::redis::client& client(std::size_t loop) noexcept;
  store::hints& hints(std::size_t loop) noexcept;
  // Of the first loop.
  store::courier& courier() noexcept { return courier_; }

  const settings::redis& configured() const noexcept { return from_; }
  // What a request waits for at the most with its own questions about its key and its session, and again for the permit
  // that its account asks for: so that it is `timeout` in all.
  time::duration patience() const noexcept { return from_.timeout / 2; }
  const store::ledger_scripts& scripts() const noexcept { return scripts_; }
  // Unlike any other process's.
  const std::string& replica() const noexcept { return replica_; }

  // What was seen of the server's settings. Any thread.
  bool appends() const noexcept { return appends_.load(std::memory_order_relaxed); }
  bool evicts() const noexcept { return evicts_.load(std::memory_order_relaxed); }
  // What it refuses at present. Any thread.
  std::vector<refused_command> refused(time::instant now) const { return refusals_.present(now); }

 private:
  struct on_loop;
  shared_store(const settings::redis& from, std::shared_ptr<const settings::environment> environment,
               std::shared_ptr<tls::client_context> tls, const std::vector<loop_parts>& loops,
               metrics::registry& registry, const metrics::gateway_metrics& families, journal::log& log);

  store::redis::place place() const;
  store::redis::identity identity() const;
  transport::task<> watch_settings();
  transport::task<> look_at_settings();
  void hints_refused(std::string_view why);  // any thread

  const settings::redis& from_;
  std::shared_ptr<const settings::environment> environment_;
  std::shared_ptr<tls::client_context> tls_;
  journal::log& log_;
  transport::loop& home_;
  const store::ledger_scripts scripts_;
  store_refusals refusals_;
  const std::string replica_;
  std::function<void(const std::string&)> connected_;
  std::vector<std::unique_ptr<on_loop>> loops_;
  store::redis_courier courier_;
  transport::parking* watching_ = nullptr;  // until the settings are looked at again
  transport::parking* waiting_ = nullptr;   // for a connection
  std::atomic<bool> appends_{true};
  std::atomic<bool> evicts_{false};
  std::atomic<bool> hints_refused_{false};
};

}  // namespace gateway::app
