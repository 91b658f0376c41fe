#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/time/clock.hpp"

namespace gateway::store {

// One open session on a test account, from before its creation is sent.
struct slot {
  std::uint64_t id = 0;
  std::size_t account = 0;             // beyond all accounts: of one that only another replica's configuration has
  std::vector<std::size_t> holders{};  // callers, each once; without those that only another replica knows
  std::string session{};               // its id, once known
  time::instant since{};
  time::instant until{};

  bool held_by(std::size_t caller) const noexcept;
};

// A test account's slots: never more held than there are, and none held beyond its time to live. Free and held ones
// are the total at any time.
class slot_book {
 public:
  slot_book(std::uint32_t total, time::duration time_to_live);

  std::uint32_t total() const noexcept { return total_; }
  time::duration time_to_live() const noexcept { return time_to_live_; }
  // Those whose time is over are free from now on. Every other function sees only what this left.
  void expire(time::instant now);
  // Held ones stay held to their end, also where there are fewer from now on.
  void resize(std::uint32_t total, time::duration time_to_live) noexcept {
    total_ = total;
    time_to_live_ = time_to_live;
  }
  // In the order in which they end.
  const std::vector<slot>& held() const noexcept { return held_; }
  // When one is free, if none is freed early: `now` or later.
  time::instant next_free(time::instant now) const noexcept;
  // How many slots of this account this caller holds.
  std::uint32_t held_by(std::size_t caller, std::size_t account) const noexcept;

  // When this caller holds fewer than `most` slots of this account, if none is freed early: `now` or later.
  time::instant next_below(std::uint32_t most, std::size_t caller, std::size_t account,
                           time::instant now) const noexcept;

  // One must be free. `now` never goes back.
  std::uint64_t take(std::size_t caller, std::size_t account, time::instant now);
  // One that another ledger gave, and all of them.
  void put(slot one);
  void replace(std::vector<slot> all);
  void bind(std::uint64_t id, std::string_view session);
  const slot* of_session(std::string_view session) const noexcept;
  // One more holder. False: the slot is not held any more.
  bool share(std::string_view session, std::size_t caller);
  // Free once no holder is left. False: this caller holds no such slot.
  bool give_back(std::string_view session, std::size_t caller);
  // Free, whoever holds it. False: it was free.
  bool free(std::uint64_t id);
  bool free(std::string_view session);

 private:
  slot* find(std::string_view session) noexcept;

  std::uint32_t total_;
  time::duration time_to_live_;
  std::vector<slot> held_;
  std::uint64_t last_id_ = 0;
};

}  // namespace gateway::store
