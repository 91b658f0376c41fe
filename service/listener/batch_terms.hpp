#pragma once

#include <cstddef>
#include <memory>

#include "foundation/time/clock.hpp"
#include "onboarding/creation.hpp"

namespace gateway::listener {

// By what a line of a batch is created: what the configuration says of its caller, when it is drawn.
struct batch_terms {
  std::shared_ptr<const void> rules{};  // where the policy lives
  const onboarding::creation_policy* policy = nullptr;
  std::size_t caller = 0;
  bool needs_key = false;
  time::duration line_time{0};  // of each line, from when it is drawn
};

}  // namespace gateway::listener
