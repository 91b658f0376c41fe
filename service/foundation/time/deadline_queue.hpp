#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "foundation/time/clock.hpp"

namespace gateway::time {

class deadline_queue;

// One deadline that can be moved cheaply: a connection has one and re-arms it for every phase. The owner derives from
// it (or holds it) and is told by `expired`. Not thread-safe: it belongs to one loop.
class deadline {
 public:
  deadline() = default;
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;
  virtual ~deadline();

  bool armed() const noexcept { return armed_; }
  instant expiry() const noexcept { return expiry_; }

  // Sets or moves the deadline. Putting it later, the usual case of a busy connection, is two stores.
  void arm(deadline_queue& queue, instant expiry);
  void disarm() noexcept { armed_ = false; }

 protected:
  // From deadline_queue::fire, with the deadline disarmed. May arm this or others again and may destroy this.
  virtual void expired() = 0;

 private:
  friend deadline_queue;
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  instant expiry_{};
  deadline_queue* queue_ = nullptr;
  std::size_t position_ = nowhere;  // in the queue's heap
  bool armed_ = false;
};

// The deadlines of one loop: a binary heap in which an entry may lie too early (never too late). Entries that were put
// later or disarmed are sorted in again only when they come to the top, so re-arming for every request costs nothing.
class deadline_queue {
 public:
  deadline_queue() = default;
  deadline_queue(const deadline_queue&) = delete;
  deadline_queue& operator=(const deadline_queue&) = delete;
  ~deadline_queue();

  // When `fire` should be called next: never later than the earliest deadline, possibly earlier. Empty: nothing waits.
  std::optional<instant> next() const noexcept;

  // Calls `expired` of everything that is due at `now`, in order of expiry.
  void fire(instant now);

  std::size_t size() const noexcept { return heap_.size(); }

 private:
  friend deadline;
  struct entry {
    instant key;
    deadline* owner;
  };

  void insert(deadline& d);
  void move_earlier(deadline& d);
  void remove(deadline& d) noexcept;
  void sift_up(std::size_t at) noexcept;
  void sift_down(std::size_t at) noexcept;
  void place(std::size_t at, entry e) noexcept;

  std::vector<entry> heap_;
};

}  // namespace gateway::time
