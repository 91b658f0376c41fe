#pragma once

#include <memory>
#include <optional>
#include <string>

#include "dispatch/dispatcher.hpp"
#include "foundation/errors/problem.hpp"
#include "onboarding/answer.hpp"

namespace gateway::onboarding {

// What was seen of a session when Podero was asked for it, for all who wait for it. Immutable.
struct sighting {
  std::optional<errors::failure> failure{};  // instead of the rest
  std::string body{};                        // as callers get it
  session_facts facts{};
  dispatch::stage_times stages{};  // of the read that it comes from
  unsigned upstream_status = 0;

  bool ended() const noexcept { return !failure && facts.state != session_state::pending; }
};

using seen = std::shared_ptr<const sighting>;

}  // namespace gateway::onboarding
