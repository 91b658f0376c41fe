#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>

#include "app/service_level.hpp"
#include "dispatch/dispatcher.hpp"
#include "foundation/journal/access_log.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/journal/repetition.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/handle_cache.hpp"
#include "foundation/metrics/registry.hpp"
#include "listener/api.hpp"
#include "onboarding/sessions.hpp"
#include "token/keeper.hpp"

namespace gateway::app {

// Events that come in storms: the first is a line, the rest a number per interval, with the reasons that they had.
class storm {
 public:
  storm(journal::log& log, metrics::counter& summarised, std::string account, std::string_view message)
      : log_{log}, summarised_{summarised}, account_{std::move(account)}, message_{message} {}

  // `of`: what it happened to; none: to nothing in particular.
  void happened(time::instant now, std::string_view reason, const dispatch::errand* of = nullptr);
  // From time to time.
  void tell(time::instant now);

 private:
  static constexpr std::size_t most_reasons = 8;  // that are told apart

  struct unsaid {
    std::string reason;
    std::uint64_t times = 0;
  };
  void note_reason(std::string_view reason);
  std::string reasons() const;

  journal::log& log_;
  metrics::counter& summarised_;
  std::string account_;
  std::string_view message_;
  // Of those that are not told yet; of the last one, what it happened to.
  std::vector<unsaid> unsaid_;
  std::uint64_t of_other_reasons_ = 0;
  std::string reason_;
  std::optional<dispatch::operation> what_;
  trace::context trace_;
  trace::origin origin_;
  journal::repetition repetition_;
};

// Turns what a loop's parts report into its counters and its log lines. Each belongs to one loop.

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

class upstream_instrument final : public dispatch::observer, public onboarding::observer {
 public:
  struct parts {
    std::string account;
    std::vector<std::string> callers;  // names by index
    const transport::loop& loop;
    const metrics::gateway_metrics& families;
    metrics::shard& shard;
    journal::access_log& lines;
    journal::log& log;
    bool audit = true;
  };
  explicit upstream_instrument(parts given);

  // Names by index, of more callers from now on.
  void know(std::vector<std::string> callers) { parts_.callers = std::move(callers); }

  void exchanged(const dispatch::errand& of, unsigned status, bool reused,
                 const upstream::exchange_result& result) override;
  void repeated(dispatch::operation what, std::string_view reason) override;
  void permitted(dispatch::operation what, std::string_view decision) override;
  void paused(time::duration how_long) override;
  void connect_failed(const dispatch::errand& of, std::string_view reason) override;
  void circuit_changed(dispatch::circuit_state now, std::string_view reason) override;
  void abandoned(const dispatch::errand& of, std::size_t caller) noexcept override;
  void created(const onboarding::made_session& what) override;
  void unaccounted(const onboarding::made_session& what, errors::effect how) override;
  void unusable(dispatch::operation what, std::string_view reason) override;
  void reused() override { reused_.add(); }
  void replayed() override { replayed_.add(); }
  void completed() override { completed_.add(); }
  void foreign_member_dropped() override;
  void waited_for_store(time::duration total) override { store_.observe(total); }
  // From time to time: what was too much for a line each.
  void tell_storms();

 private:
  void audit(std::string_view message, const onboarding::made_session& what, errors::effect how);
  metrics::counter& answers_of(dispatch::operation what, unsigned status, upstream::exchange_end end);

  parts parts_;
  storm exchanges_failing_;
  storm connects_failing_;
  storm pausing_;
  storm foreign_members_;
  storm unusable_answers_;
  metrics::handle_cache<metrics::counter> exchanges_;
  std::vector<std::pair<std::string_view, metrics::counter*>> retries_;  // by reason, of a fixed set
  metrics::counter& over_new_;
  metrics::counter& over_reused_;
  metrics::counter& admitted_;
  metrics::counter& queued_;
  metrics::counter& refused_;
  metrics::counter& created_;
  metrics::counter& reused_;
  metrics::counter& replayed_;
  metrics::counter& completed_;
  metrics::counter& foreign_;
  std::array<metrics::counter*, 4> unusable_{};  // by operation
  metrics::histogram& store_;
};

// How an account's connections to Podero came up, and why they were closed.
class connection_instrument final : public upstream::pool_observer, public upstream::handshake_observer {
 public:
  connection_instrument(const std::string& account, const metrics::gateway_metrics& families, metrics::shard& shard);

  void opened() noexcept override {}
  void open_failed(std::string_view) noexcept override { failed_.add(); }
  void closed(upstream::close_reason why) noexcept override { closed_[static_cast<std::size_t>(why)]->add(); }
  void shaken(bool resumed) noexcept override { (resumed ? resumed_ : full_).add(); }

 private:
  std::array<metrics::counter*, upstream::all_close_reasons.size()> closed_;
  metrics::counter& failed_;
  metrics::counter& full_;
  metrics::counter& resumed_;
};

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
