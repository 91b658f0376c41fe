#pragma once

#include <boost/circular_buffer.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "foundation/time/clock.hpp"

namespace gateway::store {

// When the last permits of one thing that is limited were sent, and how many are outstanding: drawn, and not yet sent.
// As many instants as the largest window needs. A permit that is taken back out never lets a window be exceeded by one
// that was forgotten: what is forgotten was a whole window older than the newest when that was drawn.
class history {
 public:
  explicit history(std::size_t largest_rate) : largest_{largest_rate} {}

  void draw() noexcept { ++outstanding_; }
  // An outstanding permit is given back: as if it had not been drawn.
  void give_back() noexcept { --outstanding_; }
  // An outstanding permit was sent.
  void sent(time::instant at);
  // One that was sent at `at` had no effect. If it is no longer remembered, it has left every window.
  void forget(time::instant at);

  std::size_t outstanding() const noexcept { return outstanding_; }
  std::size_t remembered() const noexcept { return sent_.size(); }
  // From now on at least so many are remembered; what is remembered already stays, so that a rate may fall and rise
  // again. What was dropped, because fewer were enough before, counts as sent with the last of the dropped: never
  // earlier than it was.
  void remember(std::size_t largest_rate);
  // The n-th newest, from 1; it must be remembered.
  time::instant newest(std::size_t n) const noexcept { return sent_[sent_.size() - n]; }
  // How many were sent after `then`. Looked for from `lately` on, what it was the last time, and kept there: from one
  // answer to the next a window moves by a few of tens of thousands.
  std::size_t since(time::instant then, std::size_t& lately) const noexcept;

 private:
  void dropped(time::instant at) noexcept { last_dropped_ = std::max(at, last_dropped_.value_or(at)); }

  boost::circular_buffer<time::instant> sent_;  // oldest first; grows as it is needed
  std::size_t largest_;
  std::optional<time::instant> last_dropped_;  // stays, whatever is taken back out
  std::size_t outstanding_ = 0;
};

}  // namespace gateway::store
