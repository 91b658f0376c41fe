#include "app/service.hpp"
#include "app/worker.hpp"

// What is worked out when somebody scrapes.
namespace gateway::app {

void service::declare_gauges() {
  auto& registry = parts_.metrics;
  const auto& families = parts_.families;
  gauges_.push_back(registry.compute(families.connections, [this](auto& out) {
    std::size_t open = 0;
    std::size_t busy = 0;
    for (const auto& w : workers_) {
      open += w->callers().connections();
      busy += w->callers().busy();
    }
    out.add(static_cast<double>(busy), "caller", "busy");
    out.add(static_cast<double>(open - std::min(open, busy)), "caller", "idle");
  }));
  gauges_.push_back(registry.compute(families.requests_in_flight, [this](auto& out) {
    std::size_t busy = 0;
    for (const auto& w : workers_) busy += w->callers().busy();
    out.add(static_cast<double>(busy));
  }));
  gauges_.push_back(registry.compute(families.token_expiry_timestamp_seconds, [this](auto& out) {
    for (const auto& account : accounts_) {
      double at = 0;
      if (account->tokens.has_token()) {
        const auto left = account->tokens.expiry() - parts_.clock.now();
        at = std::chrono::duration<double>{(parts_.clock.wall_now() +
                                            std::chrono::duration_cast<time::wall_instant::duration>(left))
                                               .time_since_epoch()}
                 .count();
      }
      out.add(at, account->name);
    }
  }));
  gauges_.push_back(registry.compute(families.token_generation, [this](auto& out) {
    for (const auto& account : accounts_) out.add(static_cast<double>(account->tokens.generation()), account->name);
  }));
  gauges_.push_back(registry.compute(families.retry_budget_remaining, [this](auto& out) {
    for (const auto& account : accounts_)
      out.add(static_cast<double>(account->health.repetitions_left(parts_.clock.now())), account->name);
  }));
  gauges_.push_back(registry.compute(
      families.draining, [this](auto& out) { out.add(draining_.load(std::memory_order_relaxed) ? 1.0 : 0.0); }));
  gauges_.push_back(registry.compute(families.account_ready, [this](auto& out) {
    for (const auto& account : accounts_) {
      const bool usable = account->tokens.has_token() && account->tokens.expiry() > parts_.clock.now();
      out.add(usable ? 1.0 : 0.0, account->name);
    }
  }));
  gauges_.push_back(registry.compute(families.credentials_refused, [this](auto& out) {
    for (const auto& account : accounts_)
      out.add(account->tokens.latest() == token::keeper::standing::refused ? 1.0 : 0.0, account->name);
  }));
  gauges_.push_back(registry.compute(families.breaker_state, [this](auto& out) {
    for (const auto& account : accounts_)
      out.add(static_cast<double>(account->health.state(parts_.clock.now())), account->name);
  }));
  declare_limit_gauges();
  declare_store_gauges();
  gauges_.push_back(registry.compute(families.loop_lag_seconds, [this](auto& out) {
    for (const auto& w : workers_) out.add(std::chrono::duration<double>{w->loop().worst_lag()}.count());
  }));
  gauges_.push_back(registry.compute(families.log_lines_dropped_total, [this](auto& out) {
    std::uint64_t dropped = parts_.loops.front().lines.dropped();
    for (const auto& w : workers_) dropped += w->dropped_lines();
    out.add(static_cast<double>(dropped));
  }));
}

void service::declare_limit_gauges() {
  auto& registry = parts_.metrics;
  const auto& families = parts_.families;
  const auto seconds = [](time::duration d) { return std::chrono::duration<double>{d}.count(); };
  const auto each = [this](const auto& show) {
    for (const auto& account : accounts_) show(account->name, account->limited);
  };
  const auto each_window = [each](const auto& show) {
    each([&](const std::string& name, const limits::place& at) {
      std::vector<limiter::window_state> windows;
      at.domain->windows(at.account, windows);
      // An account and its test account may have windows of one length: the scarcer one is shown.
      std::ranges::sort(windows, {}, [](const auto& w) { return std::tuple{w.name, w.remaining}; });
      const auto scarcest = std::ranges::unique(windows, {}, &limiter::window_state::name);
      windows.erase(scarcest.begin(), scarcest.end());
      for (const auto& w : windows) show(name, w);
    });
  };
  gauges_.push_back(registry.compute(families.permits_remaining, [each_window](auto& out) {
    each_window([&](const std::string& name, const limiter::window_state& w) {
      out.add(static_cast<double>(w.remaining), name, w.name);
    });
  }));
  gauges_.push_back(registry.compute(families.permits_next_seconds, [this, seconds, each_window](auto& out) {
    const auto now = parts_.clock.now();
    each_window([&](const std::string& name, const limiter::window_state& w) {
      out.add(std::max(0.0, seconds(w.next - now)), name, w.name);
    });
  }));
  gauges_.push_back(registry.compute(families.queue_length, [each](auto& out) {
    each([&](const std::string& name, const limits::place& at) {
      out.add(static_cast<double>(at.domain->state(at.account).waiting), name);
    });
  }));
  gauges_.push_back(registry.compute(families.queue_oldest_seconds, [this, seconds, each](auto& out) {
    each([&](const std::string& name, const limits::place& at) {
      const auto since = at.domain->state(at.account).oldest_since;
      out.add(since ? std::max(0.0, seconds(parts_.clock.now() - *since)) : 0.0, name);
    });
  }));
  gauges_.push_back(registry.compute(families.account_paused_until_seconds, [this, seconds, each](auto& out) {
    const auto now = parts_.clock.now();
    const auto wall = seconds(parts_.clock.wall_now().time_since_epoch());
    each([&](const std::string& name, const limits::place& at) {
      const auto until = at.domain->state(at.account).paused_until;
      out.add(until > now ? wall + seconds(until - now) : 0.0, name);
    });
  }));
  gauges_.push_back(registry.compute(families.slow_down_factor, [each](auto& out) {
    each([&](const std::string& name, const limits::place& at) {
      out.add(at.domain->state(at.account).slow_down, name);
    });
  }));
  const auto each_test_account = [this](const auto& show) {
    for (const auto& [key, domain] : limits_->domains())
      if (const auto& shared = domain->rules().test_account) show(*shared, *domain);
  };
  gauges_.push_back(registry.compute(families.slots, [each_test_account](auto& out) {
    each_test_account(
        [&](const auto& rules, const auto&) { out.add(static_cast<double>(rules.open_sessions), rules.name); });
  }));
  gauges_.push_back(registry.compute(families.slots_held, [each_test_account](auto& out) {
    each_test_account([&](const auto& rules, const auto& domain) {
      out.add(static_cast<double>(domain.slots().size()), rules.name);
    });
  }));
}

void service::declare_store_gauges() {
  auto& registry = parts_.metrics;
  const auto& families = parts_.families;
  gauges_.push_back(registry.compute(families.store_mode, [this](auto& out) {
    const bool away = store_away() || store_refuses_keys();
    out.add(store_ ? 0.0 : 1.0, "memory");
    out.add(store_ && !away ? 1.0 : 0.0, "shared");
    out.add(away ? 1.0 : 0.0, "degraded");
  }));
  if (!store_) return;
  gauges_.push_back(registry.compute(families.degraded_share_seconds, [this](auto& out) {
    for (const auto& account : accounts_)
      if (const auto left = account->limited.domain->share_left(account->limited.account))
        out.add(std::chrono::duration<double>{*left}.count(), account->name);
  }));
  gauges_.push_back(registry.compute(families.store_unsafe, [this](auto& out) {
    out.add(store_->appends() ? 0.0 : 1.0, "appendonly");
    out.add(store_->evicts() ? 1.0 : 0.0, "maxmemory-policy");
  }));
}

}  // namespace gateway::app
