#include "dispatch/attempt.hpp"

namespace gateway::dispatch {

next_step after(const attempt_facts& facts) noexcept {
  using enum upstream::exchange_end;
  const bool more = facts.attempts < facts.most_attempts && facts.time_left;
  if (facts.end == answered) {
    if (facts.status == 401 && !facts.renewed && facts.time_left) return next_step::renew_token;
    const bool server_failed = facts.status == 502 || facts.status == 503 || facts.status == 504;
    if (server_failed && !facts.creating && more) return next_step::try_again;
    return next_step::deliver;
  }
  if (!more) return next_step::give_up;
  if (!facts.sent) return next_step::try_again;
  return !facts.creating && facts.end != unusable ? next_step::try_again : next_step::give_up;
}

}  // namespace gateway::dispatch
