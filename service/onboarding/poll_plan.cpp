#include "onboarding/poll_plan.hpp"

#include <algorithm>

namespace gateway::onboarding {

void poll_plan::rest(time::instant from) noexcept {
  due_ = from + step_;
  spacing_ = step_;
  step_ = std::min(std::max(pace_.longest, pace_.interval), step_ + step_ / 2);
}

void poll_plan::seen(time::instant now, time::duration age) noexcept {
  answered_ = true;
  since_ = now - age;
  rest(since_);
}

void poll_plan::failed(time::instant now) noexcept {
  rest(now);
}

void poll_plan::postponed(time::instant again) noexcept {
  due_ = std::max(due_, again);
}

void poll_plan::stirred(time::instant now) noexcept {
  step_ = pace_.interval;
  due_ = std::min(due_, now + step_);
}

}  // namespace gateway::onboarding
