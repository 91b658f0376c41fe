#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "store/ledger.hpp"
#include "store/server_clock.hpp"

namespace gateway::store {

// A permit that Redis keeps for this replica.
struct reservation {
  std::uint64_t id = 0;
  server_instant stamp = 0;
  // Between these its request may be handed to the socket: surely not before the stamp, and surely not later than the
  // smallest stretch after it, whatever the round trip was.
  time::instant from{};
  time::instant by{};
};

// What is held in reserve for one sort of permit, what is wanted of it, and when to ask for more.
class permit_stock {
 public:
  explicit permit_stock(use of) : of_{std::move(of)} {}

  const use& of() const noexcept { return of_; }

  void want(std::size_t caller, std::size_t how_many);
  void want_nothing() noexcept { wanted_.clear(); }
  std::size_t wanted() const noexcept;

  void put(const reservation& one);
  // Of those that can still be used the first that can: now, or soon.
  const reservation* usable(time::instant now) const noexcept;
  // One must be usable now.
  reservation take(time::instant now);
  // Those whose time is over, or never was: the answer took longer than the stretch.
  std::vector<reservation> take_stale(time::instant now);
  std::vector<reservation> take_all();
  const std::deque<reservation>& held() const noexcept { return held_; }

  // How many are wanted beyond those in hand that can still be used.
  std::size_t missing(time::instant now) const noexcept;
  void asked() noexcept { asking_ = true; }
  bool asking() const noexcept { return asking_; }
  // Answered, or not: whether anything came that can be used, and what Redis says of the next one (local time).
  void answered(time::instant now, std::size_t granted, std::size_t usable, std::optional<opening> next,
                time::duration reach);
  // Something was given back: ask again, whatever was said. Not sooner where what comes cannot be used.
  void look_again() noexcept {
    next_.reset();
    not_before_ = told_at_ + pause_;
  }
  time::instant not_before() const noexcept { return not_before_; }
  // What came could not be used time and again: until it is tried again nobody needs to wait for it.
  bool in_vain(time::instant now) const noexcept { return pause_ >= long_pause && now < not_before_; }
  // What Redis said of the next one, as long as it is news.
  const opening* next(time::instant now) const noexcept { return next_ && now < told_at_ + news ? &*next_ : nullptr; }
  // When a reservation becomes stale.
  time::instant stale_at() const noexcept;

 private:
  static bool serves(const reservation& one, time::instant now) noexcept;
  // Nothing is begun so shortly before its end.
  static constexpr time::duration margin = std::chrono::milliseconds{1};
  // Others may have given something back since: Redis is asked again, whatever it said.
  static constexpr time::duration news = std::chrono::seconds{5};
  static constexpr time::duration first_pause = std::chrono::milliseconds{5};
  static constexpr time::duration long_pause = std::chrono::milliseconds{160};  // after six in a row
  static constexpr time::duration longest_pause = std::chrono::seconds{1};

  use of_;
  std::vector<std::pair<std::size_t, std::size_t>> wanted_;  // by caller
  std::deque<reservation> held_;                             // in the order of their ends
  bool asking_ = false;
  std::optional<opening> next_;
  time::instant told_at_{};
  time::instant not_before_{};
  time::duration pause_{0};  // grows while what comes cannot be used: the way is too long for the stretch
};

}  // namespace gateway::store
