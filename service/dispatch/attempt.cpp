#include "dispatch/attempt.hpp"

#include <algorithm>

namespace gateway::dispatch {
namespace {

using enum upstream::exchange_end;

bool went_stale(const attempt_facts& facts) noexcept {
  return facts.reused && facts.end == lost && !facts.sent;
}

// The server was going when the request came, as with one that went stale; but it cost a permit.
bool came_too_late(const attempt_facts& facts) noexcept {
  return facts.reused && facts.unprocessed;
}

bool may_be_repeated(const attempt_facts& facts) noexcept {
  if (facts.end == answered) {
    if (facts.status == 429) return true;
    return !facts.creating && (facts.status == 502 || facts.status == 503 || facts.status == 504);
  }
  if (!facts.sent || facts.unprocessed) return true;
  return !facts.creating && facts.end != unusable;
}

// How long the server wants to be left alone, where it says so at all.
std::optional<time::duration> asked_for(const attempt_facts& facts, const retry_rules& rules) noexcept {
  if (facts.status == 429) return facts.retry_after.value_or(rules.unasked_pause);
  return facts.status == 503 ? facts.retry_after : std::nullopt;
}

}  // namespace

plan after(const attempt_facts& facts, const retry_rules& rules) noexcept {
  const bool going_on = !facts.caller_gone && facts.time_left > time::duration::zero();
  if (!going_on) return {without_repeating(facts)};
  if (facts.end == answered && facts.status == 401 && !facts.renewed) return {next_step::renew_token};
  if (went_stale(facts)) return {next_step::try_at_once};
  // In the loop's next turn: this one's clock is too old to draw a permit by.
  if (facts.permit_over) return {next_step::try_at_once, time::duration{1}};
  if (!may_be_repeated(facts) || facts.attempts >= rules.most_attempts) return {without_repeating(facts)};
  const auto step = back_off(facts.attempts, facts.uniform, rules);
  const auto asked = asked_for(facts, rules).value_or(time::duration::zero());
  if (std::max(asked, step) >= facts.time_left) return {without_repeating(facts)};
  // The whole account pauses for what was asked, and the repetition stands in its queue like everybody else.
  return {next_step::try_again, asked >= step ? time::duration::zero() : step};
}

next_step without_repeating(const attempt_facts& facts) noexcept {
  return facts.end == answered ? next_step::deliver : next_step::give_up;
}

verdict verdict_on(const attempt_facts& facts) noexcept {
  if (facts.end == answered) return facts.status >= 500 ? verdict::failure : verdict::success;
  if (went_stale(facts) || came_too_late(facts) || facts.permit_over) return verdict::neutral;
  if (facts.end == timed_out && !facts.waited_long) return verdict::neutral;
  return verdict::failure;
}

std::string_view reason_of(const attempt_facts& facts) noexcept {
  if (facts.end == answered) {
    if (facts.status == 401) return "unauthorized";
    return facts.status == 429 ? "rate-limited" : "server-error";
  }
  if (!facts.connected) return "connect";
  if (facts.permit_over) return "permit-over";
  if (went_stale(facts)) return "stale";
  if (!facts.sent) return "not-sent";
  if (facts.unprocessed) return "unprocessed";
  return facts.end == timed_out ? "timed-out" : "lost";
}

time::duration back_off(unsigned attempts, double uniform, const retry_rules& rules) noexcept {
  const auto doublings = std::min(attempts == 0 ? 0U : attempts - 1, 16U);
  const auto step = std::min(rules.longest_back_off, rules.first_back_off * (1L << doublings));
  return std::chrono::duration_cast<time::duration>(std::chrono::duration<double>{step} * (0.5 + 0.5 * uniform));
}

}  // namespace gateway::dispatch
