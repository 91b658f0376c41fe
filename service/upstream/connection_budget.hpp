#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace gateway::upstream {

// How many connections an account may have open in this process, over all loops. A loop takes the right to open one;
// where none is left, it stands in line and gets the next right that comes back, so that no loop starves while another
// sits on idle connections. Any thread; it outlives its members and every right.
class connection_budget {
 public:
  // A loop's pool, as the budget sees it. Called from any thread and under the budget's lock, so that nothing is heard
  // after `leave`: implementations do no more than post to their loop.
  class member {
   public:
    // The right to open one connection is yours: adopt it by making a `right`.
    virtual void granted() noexcept = 0;
    // Somebody has none: close an idle connection, and its right goes to whoever is first in line.
    virtual void asked_to_yield() noexcept = 0;

   protected:
    ~member() = default;
  };

  // The right to have one connection open. Destroying it gives it back.
  class right {
   public:
    right() = default;
    // Adopts one that was granted.
    explicit right(connection_budget& from) noexcept : from_{&from} {}
    right(right&& other) noexcept : from_{std::exchange(other.from_, nullptr)} {}
    right& operator=(right&& other) noexcept {
      std::swap(from_, other.from_);
      return *this;
    }
    ~right() {
      if (from_ != nullptr) from_->give_back();
    }
    explicit operator bool() const noexcept { return from_ != nullptr; }

   private:
    connection_budget* from_ = nullptr;
  };

  explicit connection_budget(std::size_t most) noexcept : most_{most} {}

  void join(member& who);
  // `who` hears nothing more. What it was granted before is still its own, to give back.
  void leave(member& who);

  // The right to open one. Empty: `who` stands in line and hears by `granted`; the others are asked to yield.
  right take(member& who);
  // The same without standing in line, for what can be done without.
  right take_spare();
  // `who` no longer needs the place in line that its last `take` got; true if it was still standing there. False means
  // that a grant is on its way and must be given back.
  bool withdraw(member& who) noexcept;

  bool anybody_waits() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }
  // Somebody waits, and a pool that holds `open` has more than its share: it closes a connection instead of keeping it.
  bool wanted_elsewhere(std::size_t open) const noexcept;
  std::size_t open() const noexcept;

 private:
  void give_back() noexcept;
  void note_line() noexcept { waiting_.store(line_.size(), std::memory_order_relaxed); }

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  std::vector<member*> members_;
  std::deque<member*> line_;
  std::atomic<std::size_t> waiting_{0};  // the length of the line, for the look that every release takes
};

}  // namespace gateway::upstream
