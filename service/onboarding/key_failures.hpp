#pragma once

#include "foundation/errors/problem.hpp"
#include "foundation/time/clock.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What an idempotency key is refused with.

// Of a key that is nobody's yet, or `busy`, or `done`, there is nothing of the kind to say.
errors::failure refusal_of(const store::claim& what, time::instant now);
// The key stands for another request.
errors::failure other_body();
// It could not be recorded that the first byte goes out, so none did. `answer` is not `yes`.
errors::failure not_recorded(store::said answer);
// The first request with it is still under way. `sent`: it has left for Podero.
errors::failure in_progress(bool sent);

}  // namespace gateway::onboarding
