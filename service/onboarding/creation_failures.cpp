#include "onboarding/creation_failures.hpp"

namespace gateway::onboarding {

using errors::failure;
using errors::problem;

failure stopped(bool sent) {
  failure f;
  f.id = problem::draining;
  f.detail = "The gateway stops.";
  f.effect = sent ? errors::effect::unknown : errors::effect::none;
  f.retry_after = std::chrono::seconds{1};
  return f;
}

failure not_in_time(bool sent, bool gone) {
  failure f;
  f.id = gone ? problem::request_timeout : problem::upstream_timeout;
  f.effect = sent ? errors::effect::unknown : errors::effect::none;
  f.detail = gone ? "The caller left." : "The request's time ended before there was an answer.";
  return f;
}

}  // namespace gateway::onboarding
