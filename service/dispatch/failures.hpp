#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "dispatch/attempt.hpp"
#include "foundation/errors/problem.hpp"
#include "foundation/journal/timestamp.hpp"
#include "foundation/time/clock.hpp"
#include "limiter/domain.hpp"

// What a caller is told where a request was not answered.
namespace gateway::dispatch {

// Rounded up, and never none: what a Retry-After can say.
std::chrono::seconds whole_seconds(time::duration left);

// Why there is no answer, and what the request may have done.
errors::failure no_answer(const attempt_facts& facts, const std::string& reason);

// 429 or 503 with the limit that refuses and the instant from which on it would not. `upstream_status`: of an earlier
// attempt's answer; 0: there was none.
errors::failure refused(const limiter::refusal& why, std::string_view account, time::instant now,
                        time::wall_instant wall_now, unsigned upstream_status);

}  // namespace gateway::dispatch
