#include "dispatch/failures.hpp"

#include <algorithm>

namespace gateway::dispatch {

using errors::failure;
using errors::problem;
using upstream::exchange_end;

namespace {

problem problem_of(errors::guard guard) noexcept {
  if (guard == errors::guard::slot) return problem::no_free_slot;
  if (guard == errors::guard::draining) return problem::draining;
  if (guard == errors::guard::store) return problem::store_unavailable;
  return guard == errors::guard::queue ? problem::overloaded : problem::rate_limited;
}

void append_reason(std::string& to, const limiter::refusal& why, std::string_view account) {
  switch (why.guard) {
    case errors::guard::slot:
      if (!why.own) {
        to += "Every slot of the test account is held.";
        return;
      }
      to.append("This caller holds as many sessions on account ").append(account).append(" as it may.");
      return;
    case errors::guard::pause:
      to.append("Account ").append(account).append(" is paused, as Podero or an operator asked.");
      return;
    case errors::guard::queue:
      to.append("Too many requests wait for account ").append(account).append(".");
      return;
    case errors::guard::store:
      to += "The store that the replicas share does not answer in time, and without it account ";
      to.append(account).append(" is left alone.");
      return;
    case errors::guard::draining:
      to += "The gateway stops, and gives back what waits.";
      return;
    default:
      to.append("The limit ").append(why.limit).append(" of account ").append(account);
      to += " leaves no room in this request's time.";
  }
}

// In one piece of memory: under a flood this is written for everybody.
std::string detail_of(const limiter::refusal& why, std::string_view account, std::chrono::seconds after) {
  std::string detail;
  detail.reserve(256);
  append_reason(detail, why, account);
  detail += " Nothing was done";
  const bool a_turn_is_known = why.guard != errors::guard::store && why.guard != errors::guard::draining;
  if (a_turn_is_known) {
    detail.append("; a request that comes in ").append(std::to_string(after.count()));
    detail += " s can expect its turn";
  }
  detail += '.';
  return detail;
}

}  // namespace

std::chrono::seconds whole_seconds(time::duration left) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(left), std::chrono::seconds{1});
}

failure no_answer(const attempt_facts& facts, const std::string& reason) {
  const bool timed_out = facts.end == exchange_end::timed_out;
  auto f = failure_of(timed_out ? problem::upstream_timeout : problem::upstream_error, {});
  const bool taken = facts.sent && !facts.unprocessed;
  f.effect = facts.creating && taken ? errors::effect::unknown : errors::effect::none;
  if (!facts.connected)
    f.detail = timed_out ? "No connection to Podero was to be had in time." : "Podero cannot be reached.";
  else if (timed_out && !facts.sent)
    f.detail = "The request could not be sent to Podero in time.";
  else if (timed_out)
    f.detail = "Podero did not answer in time.";
  else if (facts.unprocessed)
    f.detail = "Podero's server took the request, and says that it did nothing with it.";
  else if (facts.end == exchange_end::unusable)
    f.detail = "Podero's answer cannot be used: " + reason + ".";
  else
    f.detail = "The connection to Podero was lost.";
  return f;
}

failure refused(const limiter::refusal& why, std::string_view account, time::instant now, time::wall_instant wall_now,
                unsigned upstream_status) {
  const auto after = whole_seconds(why.admitted_at - now);
  auto f = failure_of(problem_of(why.guard), detail_of(why, account, after));
  f.retry_after = after;
  const auto wait = std::max(why.admitted_at - now, time::duration{0});
  journal::timestamp text;
  f.decision = errors::decision{why.guard, why.limit, why.state,
                                std::string{text.of(wall_now + std::chrono::ceil<time::wall_instant::duration>(wait))}};
  if (upstream_status != 0) f.upstream_status = upstream_status;
  return f;
}

}  // namespace gateway::dispatch
