#pragma once

#include <boost/circular_buffer.hpp>

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "limiter/domain.hpp"
#include "limiter/lane.hpp"
#include "limiter/refusals.hpp"
#include "limiter/resources.hpp"
#include "limiter/timetable.hpp"
#include "limiter/told.hpp"

// What a domain is made of; for its own two sources only.
namespace gateway::limiter {

// When to ask again where nobody knows how long the store will be away.
inline constexpr time::duration store_may_be_back = std::chrono::seconds{2};

// A permit that is drawn, until it is sent or given back.
struct outstanding {
  enum class state : std::uint8_t { unsent, burnt, over } is = state::unsent;
  lane* of = nullptr;
  store::drawing what{};
  time::instant burns_at{};  // in the order in which they were drawn; not before the permit's `send_by`
};

struct domain::parts {
  parts(domain_rules r, std::unique_ptr<store::ledger> l);

  domain_rules rules;
  resources numbers;
  std::unique_ptr<store::ledger> ledger;
  refusals words;
  std::deque<lane> all_lanes;  // they stay where they are
  std::deque<lane> yielding;   // of those who go only where there is room, by account; never active
  lanes active;
  order_of_turns turns;
  choice next_turn;
  timetable plan;
  std::vector<told_instants> told;  // of the creations, then of every account's other requests
  boost::circular_buffer<outstanding> drawn;
  std::uint64_t creations_drawn = 0;
  std::uint64_t first_drawn = 1;  // the number of the oldest in `drawn`

  time::instant latest_now{};
  std::uint64_t entered = 0;
  std::size_t waiting = 0;
  std::size_t unprepared = 0;  // of those who wait: not told to prepare
  std::size_t ready = 0;
  std::vector<std::size_t> waiting_on;  // by account
  bool draining = false;
  bool changed = false;  // since the timetable was written
  bool better = false;   // somebody may come earlier than it says
  time::instant next{time::instant::max()};
  std::vector<timetable::miss> missed;
  const waiter* asking = nullptr;  // hears by returning
  std::vector<lane*> wanting;      // that have somebody ready, as far as the ledger was told

  time::instant at(time::instant now) noexcept { return latest_now = std::max(latest_now, now); }
  lane& lane_of(kind what, std::size_t account, std::size_t caller) noexcept {
    return all_lanes[(caller * rules.accounts.size() + account) * 2 + (what == kind::creation ? 1 : 0)];
  }
  told_instants& told_of(const lane& of) noexcept { return told[of.what == kind::creation ? 0 : 1 + of.account]; }
  std::uint64_t weights_beside(const lane& of) const noexcept;
  void build(lane& of, kind what, std::size_t account, std::size_t caller) const;
  void build_new_lanes();
  void change(domain_rules to, time::instant now);
  void rebuild(lane& of, time::instant now);

  void put(waiter& who, lane& into, bool in_front);
  void take_out(waiter& who);
  void set(waiter& who, stage to);
  void notice(waiter& who, notices& out) const {
    if (&who != asking) out.push_back(&who);
  }

  void grant(waiter& who, lane& of, time::instant now);
  void came_back(const waiter& who, const lane& of);
  void serve(time::instant now, notices& out);
  void refuse(waiter& who, lane& of, const timetable::place& turn, time::instant now);
  void overflow(waiter& who, lane& of, time::instant now);
  void turn_away(waiter& who, time::instant now) const;
  void refuse_the_stranded(time::instant now, notices& out);
  void show_stranded(const store::use& of, time::instant now, std::span<window_state> shown);
  bool make_room(const lane& by, time::instant now, notices& out);
  timetable::place turn_of_newcomer(lane& of, bool in_front, time::instant latest, time::instant now);
  void door(waiter& who, lane& of, time::instant now, notices& out);

  // Those that yield (domain_yielding.cpp).
  void build_yielding();
  void enter_yielding(waiter& who, time::instant now, notices& out);
  void serve_yielding(time::instant now, notices& out);
  void give_up_yielding(waiter& who, time::instant now);
  void drain_yielding(time::instant now, notices& out);
  std::optional<time::instant> room_for_one_more(const lane& of, time::instant now) const;

  void write_plan(time::instant now, notices& out);
  void walk_plan(time::instant now, notices& out);
  void prepare(time::instant now, notices& out);
  void look_ahead(time::instant now, notices& out);
  void tell_wants(time::instant now);
  void finish(time::instant now, notices& out);
  outstanding* find(const permit& of) noexcept;
  void burn(time::instant now);
  void forget_finished() noexcept;
};

// Who asks hears by returning.
struct domain::asking_now {
  asking_now(parts& in, const waiter& who) noexcept : of{in} { of.asking = &who; }
  ~asking_now() { of.asking = nullptr; }
  asking_now(const asking_now&) = delete;
  asking_now& operator=(const asking_now&) = delete;
  parts& of;
};

}  // namespace gateway::limiter
