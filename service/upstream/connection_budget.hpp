#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace gateway::upstream {

// How many connections an account may have open in this process, over all loops. A loop takes the right to open one;
// where none is left it waits, and of those who wait the one with the fewest gets the next right that comes back:
// shares become equal (max-min fair, as of links in Bertsekas and Gallager, Data Networks, section 6.5.2), and no loop
// starves while another sits on connections, idle or busy. Any thread; it outlives its members and every right.
class connection_budget {
 public:
  // A loop's pool, as the budget sees it. Called from any thread and under the budget's lock, so that nothing is heard
  // after `leave`: implementations do no more than post to their loop.
  class member {
   public:
    // The right to open one connection is yours: adopt it by making a `right`.
    virtual void granted() noexcept = 0;
    // Somebody has none: close an idle connection, and its right goes to whoever waits.
    virtual void asked_to_yield() noexcept = 0;

   protected:
    ~member() = default;
  };

  // The right to have one connection open. Destroying it gives it back.
  class right {
   public:
    right() = default;
    // Adopts one that was granted to `holder`.
    right(connection_budget& from, const member& holder) noexcept : from_{&from}, holder_{&holder} {}
    right(right&& other) noexcept : from_{std::exchange(other.from_, nullptr)}, holder_{other.holder_} {}
    right& operator=(right&& other) noexcept {
      std::swap(from_, other.from_);
      std::swap(holder_, other.holder_);
      return *this;
    }
    ~right() {
      if (from_ != nullptr) from_->give_back(*holder_);
    }
    explicit operator bool() const noexcept { return from_ != nullptr; }

   private:
    connection_budget* from_ = nullptr;
    const member* holder_ = nullptr;
  };

  explicit connection_budget(std::size_t most) noexcept : most_{most} {}

  void join(member& who);
  // `who` hears nothing more. What it was granted before is still its own, to give back.
  void leave(member& who);

  // The right to open one. Empty: `who` waits for one more and hears by `granted`; the others are asked to yield.
  right take(member& who);
  // The same without waiting, for what can be done without.
  right take_spare(member& who);
  // `who` no longer waits for what its last `take` did not get; true if it still did. False means that a grant is on
  // its way and must be given back.
  bool withdraw(member& who) noexcept;

  bool anybody_waits() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }
  // Another one waits with so few that the shares become more equal if `who` closes a connection instead of using it
  // again, or with none at all.
  bool wanted_elsewhere(const member& who) noexcept;
  std::size_t open() const noexcept;

 private:
  struct seat {
    member* who;
    std::size_t open = 0;
    std::size_t waits_for = 0;
  };

  void give_back(const member& holder) noexcept;
  seat* seat_of(const member& who) noexcept;
  seat* neediest(const member& from) noexcept;
  void waits(seat& one, std::size_t for_how_many) noexcept;

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  std::vector<seat> seats_;
  std::atomic<std::size_t> waiting_{0};  // of all together, for the look that every release takes
};

}  // namespace gateway::upstream
