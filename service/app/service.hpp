#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "admin/admin.hpp"
#include "app/account.hpp"
#include "app/shared_store.hpp"
#include "app/status.hpp"
#include "listener/api.hpp"

namespace gateway::app {

class worker;

// The gateway without its sockets and threads: everything between a caller's connection and Podero's, on the loops that
// are given to it. The program puts real loops under it, a test loops that it turns by hand.
class service {
 public:
  struct parts {
    std::shared_ptr<const settings::configuration> configuration;
    std::shared_ptr<const settings::environment> environment;
    trusted_authorities& trusted;
    const time::clock& clock;
    journal::log& log;
    metrics::registry& metrics;
    const metrics::gateway_metrics& families;
    std::vector<loop_parts> loops;  // the first is the home of what is one per account
    listener::documents papers;
    std::shared_ptr<tls::server_context> caller_tls = {};              // none: callers connect without TLS
    std::function<std::vector<certificate_seen>()> certificates = {};  // of all listeners; any thread; none: no TLS
  };

  // The error names what of the configuration cannot be used.
  static std::expected<std::unique_ptr<service>, std::string> make(parts given);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  // On the home loop (or before it runs): the first tokens are asked for.
  void start();

  // From now on by this configuration, which differs from the present one in what can change at run time only
  // (settings/changes.hpp). Requests that have begun end by the one that they began with. The error says why nothing
  // was changed. One thread at a time, not a loop's.
  std::expected<void, std::string> adopt(std::shared_ptr<const settings::configuration> configuration);

  // Where loop `index` serves callers. On that loop.
  listener::server& callers(std::size_t index) noexcept;
  // Any thread: who waits for a permit is refused at once, whatever its loop, and so is who would have to wait; unused
  // permits and leases go back to the shared store.
  void hand_back();
  // On loop `index`: answers close their connections from now on, idle connections are closed.
  void drain(std::size_t index) noexcept;
  // Any thread: no caller's connection is open.
  bool drained() const noexcept;
  // Any thread: what was given back has reached the shared store.
  bool settled() const;

  // For the operator's listener. Any thread.
  std::vector<admin::check> ready() const;
  // An account by its name; null: there is none. Any thread.
  account_core* find(std::string_view account) noexcept;
  struct identity {
    std::string_view version{};
    std::string_view revision{};
    std::string config_refused{};  // why the last new configuration was refused; empty: it was not
  };
  // For operators, of a program that is called so: how it is in one word, what is wrong, and a few lines of each
  // account. Any thread.
  std::string summary(const identity& program) const;
  // The same and more as JSON. Any thread.
  std::string status(const identity& program) const;
  std::vector<admin::check> started() const;
  std::vector<admin::check> live() const;
  // Not ready from now on. Any thread.
  void announce_drain() noexcept { draining_.store(true, std::memory_order_relaxed); }

 private:
  explicit service(parts given);

  struct rules_in_force {
    std::shared_ptr<const settings::configuration> configuration;
    std::shared_ptr<const admission::directory> callers;
  };

  std::expected<void, std::string> build();
  rules_in_force in_force() const;
  static std::expected<listener::rulebook, std::string> make_rulebook(
      std::shared_ptr<const admission::directory> callers);
  void declare_gauges();
  void declare_limit_gauges();
  void declare_store_gauges();
  bool store_away() const;
  bool store_refuses_keys() const;
  status_view view(const identity& program) const;
  transport::task<> start_tokens();

  parts parts_;
  mutable std::mutex in_force_mutex_;                    // over the next two, which only `adopt` changes
  std::shared_ptr<const admission::directory> callers_;  // in force
  std::shared_ptr<const settings::configuration> in_force_;
  std::optional<admission::connection_ledger> connections_;  // of the caller-facing listener, over all loops
  std::optional<admission::request_count> requests_;
  std::unique_ptr<shared_store> store_;  // none: this process is alone
  std::optional<limits> limits_;
  std::vector<std::unique_ptr<account_core>> accounts_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<metrics::computed> gauges_;
  time::instant built_at_{};
  std::atomic<bool> draining_{false};
};

}  // namespace gateway::app
