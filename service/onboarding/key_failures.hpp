#pragma once

#include "foundation/errors/problem.hpp"
#include "foundation/time/clock.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What an idempotency key is refused with.

// The key stands for another request.
errors::failure other_body();
// It was sent before, and what became of it will not be known.
errors::failure outcome_unknown();
// There is no room for new keys.
errors::failure no_room(time::duration until_room);
// The store does not answer.
errors::failure store_away();
// It could not be recorded that the first byte goes out, so none did. `answer` is not `yes`.
errors::failure not_recorded(store::said answer);
// The first request with it is still under way.
errors::failure in_progress();

}  // namespace gateway::onboarding
