#pragma once

#include <boost/intrusive/list.hpp>

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "foundation/transport/departure.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "onboarding/poll_plan.hpp"
#include "onboarding/shared_read.hpp"
#include "onboarding/sighting.hpp"

namespace gateway::onboarding {

class watch_book;
using joint_look = shared_read<seen>;

// One session that callers wait for, on whatever loops: what is known of it, when to ask again, who waits. Its members
// are under the book's lock.
class watch {
 public:
  watch(session_id of, poll_pace pace, time::instant now) noexcept : id{of}, plan{pace, now} {}

  const session_id id;

  // Somebody who waits. On its own loop.
  class place : public boost::intrusive::list_base_hook<> {
   public:
    place(watch_book& book, std::shared_ptr<watch> of, transport::loop& here, time::instant until);
    ~place();
    place(const place&) = delete;
    place& operator=(const place&) = delete;

    // True once there is something to answer with, or the time is over, or the gateway drains. Destroying the task
    // ends the waiting.
    transport::task<bool> wait();
    // The present answer; nothing is known: what kept it from being.
    seen answer() const;
    time::duration interval() const;

   private:
    friend class watch_book;
    void call();

    watch_book& book_;
    const std::shared_ptr<watch> of_;
    transport::loop& loop_;
    const time::instant until_;
    transport::parking* parked_ = nullptr;
    bool called_ = false;
    seen told_{};  // what was to be answered when it was called
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

 private:
  friend class watch_book;
  poll_plan plan;
  seen known_;                              // the last usable answer
  seen trouble_;                            // what has happened instead since
  std::uint64_t number_ = 0;                // of what is known, among replicas
  boost::intrusive::list<place> places_{};  // who waits
  std::function<void()> poke_{};            // wakes whoever polls; empty: nobody does
  std::weak_ptr<joint_look> look_{};        // one that is under way because somebody asked for it
  std::list<std::shared_ptr<watch>>::iterator order_{};
};

// The sessions of an account that callers wait for, on all loops; and for a while those that they waited for, so that
// whoever comes again goes on where the last one was. Any thread.
class watch_book {
 public:
  watch_book() noexcept : watch_book{poll_pace{}} {}
  explicit watch_book(poll_pace pace, std::size_t most = 10'000) noexcept : pace_{pace}, most_{most} {}

  void adopt(poll_pace pace);

  std::shared_ptr<watch> of(const session_id& id, time::instant now);
  // The present interval, where anybody waits for it.
  std::optional<time::duration> interval(const session_id& id) const;

  // ---- for whoever polls

  // True: nobody did, and from now on it is the caller's to do, until `next_poll` says nothing. `poke` may be called on
  // any thread.
  bool begin_polling(watch& of, std::function<void()> poke);
  // Nothing: nobody waits any more, or nobody needs to, and the polling is over.
  std::optional<time::instant> next_poll(watch& of);
  void stop_polling(watch& of);
  std::uint64_t number(const watch& of) const;
  time::duration interval(const watch& of) const;
  time::duration spacing(const watch& of) const;

  // ---- what becomes of it

  // An answer, with its number among replicas, if it has one. Everybody who waits for an end hears of one.
  void saw(watch& of, seen what, time::instant now, time::duration age = time::duration::zero(),
           std::uint64_t number = 0);
  // Seen by somebody who asked for himself; only where the session was waited for.
  bool knows(const session_id& id) const;
  void saw(const session_id& id, const seen& what, time::instant now);
  // No usable answer.
  void failed(watch& of, seen why, time::instant now);
  // There was no room, or another replica is at it.
  void postponed(watch& of, seen why, time::instant again);
  void stirred(const session_id& id, time::instant now);

  // The look at a session that somebody has asked for right now: the one under way, or the one that `make` makes.
  template <typename Make>
  std::pair<std::shared_ptr<joint_look>, bool> look(watch& of, const Make& make) {
    const std::lock_guard lock{mutex_};
    if (auto under_way = of.look_.lock(); under_way && under_way->open()) return {std::move(under_way), false};
    std::shared_ptr<joint_look> made = make();
    of.look_ = made;
    return {std::move(made), true};
  }

  // Everybody is answered with what is known, and nobody waits from now on.
  void drain();
  std::size_t waiting() const;
  std::size_t size() const;

 private:
  friend class watch::place;
  struct hash {
    std::size_t operator()(const session_id& id) const noexcept { return std::hash<std::string_view>{}(id.view()); }
  };
  void forget_some();
  static void tell_all(watch& of, const seen& what);

  mutable std::mutex mutex_;
  poll_pace pace_;
  const std::size_t most_;
  std::unordered_map<session_id, std::shared_ptr<watch>, hash> watches_;
  std::list<std::shared_ptr<watch>> order_;  // the one that was asked for last stands last
  std::size_t waiting_ = 0;
  bool draining_ = false;
};

}  // namespace gateway::onboarding
