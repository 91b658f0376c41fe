#pragma once

#include <array>
#include <string>
#include <vector>

#include "app/storm.hpp"
#include "dispatch/dispatcher.hpp"
#include "foundation/journal/access_log.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/metrics/gateway_metrics.hpp"
#include "foundation/metrics/handle_cache.hpp"
#include "foundation/metrics/registry.hpp"
#include "onboarding/sessions.hpp"

namespace gateway::app {

// Turns what an account's requests to Podero came to, on one loop, into its counters and lines, and what was made into
// the audit.
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

}  // namespace gateway::app
