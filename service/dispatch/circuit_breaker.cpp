#include "dispatch/circuit_breaker.hpp"

namespace gateway::dispatch {

std::expected<circuit_breaker::ticket, time::instant> circuit_breaker::ask(time::instant now) noexcept {
  if (closed_) return ticket{epoch_, false};
  notice_lost_probe(now);
  if (now < open_until_) return std::unexpected{open_until_};
  if (probe_until_) return std::unexpected{std::min(*probe_until_, now + options_.open_for)};
  probe_until_ = now + options_.probe_timeout;
  return ticket{++epoch_, true};
}

std::optional<circuit_state> circuit_breaker::report(ticket of, verdict how, time::instant now) noexcept {
  if (of.probe) return report_probe(of, how, now);
  if (of.epoch != epoch_ || how == verdict::neutral) return std::nullopt;
  counts_.add(now, 1, how == verdict::failure ? 1 : 0);
  if (how != verdict::failure) return std::nullopt;
  const auto recent = counts_.over(now);
  const bool failing = recent.all >= options_.min_requests &&
                       static_cast<double>(recent.marked) >= options_.failure_ratio * static_cast<double>(recent.all);
  if (!failing) return std::nullopt;
  return open(now);
}

std::optional<circuit_state> circuit_breaker::report_probe(ticket of, verdict how, time::instant now) noexcept {
  if (closed_) return std::nullopt;
  if (how == verdict::success) {  // also where it comes late: the upstream answers
    closed_ = true;
    probe_until_.reset();
    ++epoch_;
    return circuit_state::closed;
  }
  notice_lost_probe(now);
  if (of.epoch != epoch_) return std::nullopt;
  if (how == verdict::failure) return open(now);
  probe_until_.reset();  // it said nothing: the next request is the next probe
  return std::nullopt;
}

circuit_state circuit_breaker::state(time::instant now) const noexcept {
  if (closed_) return circuit_state::closed;
  auto until = open_until_;
  if (probe_until_ && now >= *probe_until_) until = *probe_until_ + options_.open_for;
  return now < until ? circuit_state::open : circuit_state::half_open;
}

void circuit_breaker::notice_lost_probe(time::instant now) noexcept {
  if (probe_until_ && now >= *probe_until_) open(*probe_until_);
}

circuit_state circuit_breaker::open(time::instant now) noexcept {
  closed_ = false;
  open_until_ = now + options_.open_for;
  probe_until_.reset();
  counts_.clear();
  ++epoch_;
  return circuit_state::open;
}

}  // namespace gateway::dispatch
