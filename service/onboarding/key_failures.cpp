#include "onboarding/key_failures.hpp"

#include <algorithm>

namespace gateway::onboarding {

using errors::failure;
using errors::problem;

namespace {

failure of_the_store(std::string detail, std::string state) {
  failure f;
  f.id = problem::store_unavailable;
  f.detail = std::move(detail);
  f.decision = errors::decision{errors::guard::store, {}, std::move(state), {}};
  f.retry_after = std::chrono::seconds{1};
  return f;
}

// It was sent before, and what became of it will not be known. Repeating it tells nobody more.
failure outcome_unknown() {
  failure f;
  f.id = problem::upstream_error;
  f.effect = errors::effect::unknown;
  f.advice = errors::retry::operator_action;
  f.detail =
      "An earlier request with this key was sent to Podero, and what became of it is not known. What it asks for may "
      "have been created; this key never creates it again. Use a new key only if a second one does no harm; else tell "
      "who runs the gateway.";
  return f;
}

failure no_room(time::duration until_room) {
  auto f = of_the_store("There is no room for further idempotency keys, so nothing was sent.", "full");
  f.retry_after = std::clamp(std::chrono::ceil<std::chrono::seconds>(until_room), std::chrono::seconds{1},
                             std::chrono::seconds{3600});
  return f;
}

}  // namespace

failure refusal_of(const store::claim& what, time::instant now) {
  switch (what.is) {
    case store::claim::outcome::unknown:
      return outcome_unknown();
    case store::claim::outcome::other_body:
      return other_body();
    case store::claim::outcome::full:
      return no_room(what.room_at - now);
    default:
      return of_the_store("The store of idempotency keys does not answer, so nothing was sent.", "away");
  }
}

failure other_body() {
  failure f;
  f.id = problem::idempotency_key_reused;
  f.detail = "This key was used before with another body.";
  f.faults.push_back({errors::fault::place::header, "Idempotency-Key", "reused", f.detail});
  return f;
}

failure not_recorded(store::said answer) {
  return of_the_store("The idempotency key could not be recorded in time, so nothing was sent.",
                      answer == store::said::away ? "away" : "the key's lease is over");
}

failure in_progress(bool sent) {
  failure f;
  f.id = problem::idempotency_in_progress;
  f.effect = sent ? errors::effect::unknown : errors::effect::none;
  f.detail = "The first request with this key is still under way. Ask again with the same key.";
  f.retry_after = std::chrono::seconds{1};
  return f;
}

}  // namespace gateway::onboarding
