#pragma once

#include <optional>

#include "foundation/time/clock.hpp"

namespace gateway::onboarding {

// How often a session is looked at for those who wait for its completion.
struct poll_pace {
  time::duration interval = std::chrono::seconds{2};
  time::duration longest = std::chrono::seconds{30};  // it grows to that by a half each time
};

// When one session is to be asked for again, as long as anybody waits for it. Pure.
class poll_plan {
 public:
  // The first poll is due at once.
  explicit poll_plan(poll_pace pace, time::instant now) noexcept
      : pace_{pace}, step_{pace.interval}, due_{now}, since_{now} {}

  time::instant due() const noexcept { return due_; }
  // From the last answer to the next poll: within that a completion is seen.
  time::duration interval() const noexcept { return due_ > since_ ? due_ - since_ : pace_.interval; }
  // What the pace asks for between the last poll and the next, whatever postpones that: for others who keep to it.
  time::duration spacing() const noexcept { return spacing_; }
  // What is known is not older than the pace allows.
  bool fresh(time::instant now) const noexcept { return answered_ && now < due_; }

  // It was seen, and is pending. `age`: how long ago, where another replica saw it.
  void seen(time::instant now, time::duration age = time::duration::zero()) noexcept;
  // Podero gave no usable answer.
  void failed(time::instant now) noexcept;
  // There was no room for a poll, or another replica is at it: not before `again`.
  void postponed(time::instant again) noexcept;
  // Something has happened to it, as somebody says who asked for it right now: the pace begins anew.
  void stirred(time::instant now) noexcept;

 private:
  void rest(time::instant from) noexcept;

  poll_pace pace_;
  time::duration step_;
  time::duration spacing_{0};
  time::instant due_;
  time::instant since_;
  bool answered_ = false;
};

}  // namespace gateway::onboarding
