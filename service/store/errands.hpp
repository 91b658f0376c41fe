#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "foundation/time/clock.hpp"
#include "store/server_clock.hpp"

namespace gateway::store {

// Something that Redis is to be told. What it means is done in the mirror at once; it is said until it is confirmed, or
// until it is of no use any more: one that is lost costs throughput, never a promise.
struct errand {
  enum class kind : std::uint8_t {
    take_back,
    slot,
    pause,
    hold,
    resume,
    upload,
    lose,
    lease,
    release
  } what = kind::slot;
  std::vector<std::uint32_t> rings{};    // take_back
  std::vector<std::string> arguments{};  // take_back: entry and slot, each; slot: the words; lose: the epoch
  std::size_t account = 0;               // pause, hold, resume
  time::instant until{};                 // pause, hold
  time::instant useless_at = time::instant::max();
};

// What is to be told, in order; each is said once at a time.
class errands {
 public:
  // Beyond so many the oldest about slots are given up, of which there are as many as callers say. All others are few,
  // and none of them is.
  static constexpr std::size_t most = 4096;

  void add(errand one);
  bool holds(errand::kind what) const noexcept;
  void drop(errand::kind what);
  bool holds_pace(std::size_t account) const noexcept;
  void drop_pauses(std::size_t account);
  // What about slots is not confirmed yet, in order.
  template <typename What>
  void each_of_slots(const What& what) const {
    for (const auto& one : all_) {
      if (one.what.what == errand::kind::slot || one.what.what == errand::kind::take_back) what(one.what);
    }
  }

  // The next that can be said: its number, which is 0 if there is none. It is under way from then on.
  std::uint64_t next(time::instant now);
  // Null once it is confirmed or given up.
  const errand* find(std::uint64_t number) const noexcept;
  void confirmed(std::uint64_t number) noexcept;
  void failed(std::uint64_t number, time::instant again) noexcept;

  // When there is something to say; `max`: nothing.
  time::instant due() const noexcept;

 private:
  struct entry {
    std::uint64_t number = 0;
    errand what{};
    bool under_way = false;
    time::instant not_before{};
  };
  std::deque<entry>::iterator place(std::uint64_t number) noexcept;
  bool said_already(const errand& what) noexcept;
  bool make_room();

  std::deque<entry> all_;
  std::uint64_t last_ = 0;
};

}  // namespace gateway::store
