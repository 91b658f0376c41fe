#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace gateway::upstream {

// How many connections an account may have open in this process, over all loops. A loop takes the right to open one;
// where none is left, it stands in line and gets the next right that comes back, so that no loop starves while another
// sits on idle connections. Any thread.
class connection_budget {
 public:
  // A loop's pool, as the budget sees it. Called under no lock, from any thread: implementations post to their loop.
  class member {
   public:
    // The right to open one connection is yours.
    virtual void granted() = 0;
    // Somebody has none: close an idle connection and give its right back.
    virtual void asked_to_yield() = 0;

   protected:
    ~member() = default;
  };

  explicit connection_budget(std::size_t most) noexcept : most_{most} {}

  void join(member& who);
  // Only after every right was given back and every grant used.
  void leave(member& who);

  // True: open one. False: `who` stands in line and hears by `granted`; the others are asked to yield.
  bool take(member& who);
  // `who` no longer needs the place in line that its last `take` got; true if it was still standing there. False means
  // that a grant is on its way and must be given back.
  bool withdraw(member& who);
  void give_back();

  // Somebody waits, and a pool that holds `open` has more than its share: it closes a connection instead of reusing it.
  bool wanted_elsewhere(std::size_t open) const;
  std::size_t open() const;

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  std::vector<member*> members_;
  std::deque<member*> line_;
  std::atomic<std::size_t> waiting_{0};  // the length of the line, for the look that every release takes
};

}  // namespace gateway::upstream
