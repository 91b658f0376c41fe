#pragma once

#include <optional>
#include <vector>

#include "limiter/lane.hpp"
#include "limiter/projection.hpp"

namespace gateway::limiter {

// When everybody in the queue can expect its turn, if nobody else came and everybody were ready in time: the queue's
// own order, walked through ahead of time over a projection of the ledger. So it is exact as far as that holds, and
// otherwise never too late: what happens later only takes permits that it leaves free.
class timetable {
 public:
  timetable(store::ledger& of, std::size_t accounts);

  struct place {
    time::instant at{};
    store::binding why{};
  };

  // Writes the expected instant of everybody in `active`. Those whose time is over before their turn are left out, and
  // are in `missed`, with what kept them back.
  struct miss {
    waiter* who = nullptr;
    place turn{};
  };
  void write(lanes& active, const order_of_turns& turns, time::instant now, std::vector<miss>& missed);

  // Whether so many permits are free now for each of these lanes by itself. With as many as there are requests in the
  // queue everybody's turn is now, in whichever order; so it is with some thousands who only lack a connection.
  bool has_room(const lanes& active, std::size_t permits, time::instant now);
  bool has_room(const lane& of, std::size_t permits, time::instant now);
  // Writes that everybody in the queue can go now, without a look at them.
  void write_all_now(time::instant now) noexcept;

  // When a newcomer at the end of a lane could go (`ahead`: at its front). Leaves the timetable as it is.
  place newcomer(lanes& active, const order_of_turns& turns, lane& of, bool ahead, time::instant now);

  // When the k-th permit after everybody in the queue could be drawn, from 0: of this sort and account.
  // What is written must have been walked through.
  time::instant after_all(const lane& like, std::size_t k);

  // Until when what is written holds, if nothing changes.
  bool holds(time::instant now) const noexcept { return written_ && (now <= written_at_ || now < first_turn_); }
  time::instant written_at() const noexcept { return written_at_; }
  bool walked() const noexcept { return walked_; }
  void forget() noexcept { written_ = false; }

 private:
  struct cursor {
    lane* of = nullptr;
    lane::order::iterator next{};
    store::opening own{};
    bool guest = false;  // the newcomer's turn is the next one of this lane
    bool guest_last = false;
  };
  struct shared_opening {
    bool known = false;
    store::opening at{};
  };
  struct later {
    bool begun = false;
    projection of;
    std::vector<time::instant> permits{};
  };

  template <typename Turn>
  void walk(lanes& active, const order_of_turns& turns, projection& over, time::instant now, lane* guest, bool ahead,
            const Turn& turn);
  std::size_t sort_of(const lane& of) const noexcept { return 2 * of.account + (of.what == kind::creation ? 1 : 0); }

  projection written_over_;
  projection tried_over_;
  std::vector<later> later_;
  order_of_turns tags_{0, {}};
  choice choice_;
  std::vector<cursor> cursors_;
  std::vector<shared_opening> shared_;
  bool written_ = false;
  bool walked_ = false;
  time::instant written_at_{};
  time::instant first_turn_{};
};

}  // namespace gateway::limiter
