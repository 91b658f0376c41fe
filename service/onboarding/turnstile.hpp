#pragma once

#include <deque>
#include <limits>

#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"

namespace gateway::onboarding {

// So many at a time, first come first served. Of one loop.
class turnstile {
 public:
  turnstile(transport::loop& loop, std::size_t most) noexcept : loop_{loop}, free_{most} {}

  // While it lives somebody is inside.
  class entry {
   public:
    explicit entry(turnstile& of) noexcept : of_{&of} {}
    entry(entry&& other) noexcept : of_{std::exchange(other.of_, nullptr)} {}
    entry& operator=(entry&&) = delete;
    ~entry() {
      if (of_ != nullptr) of_->leave();
    }

   private:
    turnstile* of_;
  };

  transport::task<entry> enter() {
    if (free_ > 0) {
      --free_;
      co_return entry{*this};
    }
    spot mine{*this};
    co_await mine.here.wait(loop_.deadlines(), time::instant::max());
    mine.inside = false;  // it is the entry's from now on
    co_return entry{*this};
  }

 private:
  // A place in the line. Whoever is destroyed there, also when it has just been let in, lets the next one in.
  struct spot {
    explicit spot(turnstile& line) : of{line}, here{line.loop_.ready()} { of.line_.push_back(this); }
    ~spot() {
      if (inside)
        of.leave();
      else
        std::erase(of.line_, this);
    }
    spot(const spot&) = delete;
    spot& operator=(const spot&) = delete;
    turnstile& of;
    transport::parking here;
    bool inside = false;
  };

  void leave() noexcept {
    if (line_.empty()) {
      ++free_;
      return;
    }
    auto* const next = line_.front();
    line_.pop_front();
    next->inside = true;
    next->here.wake_up();
  }

  transport::loop& loop_;
  std::size_t free_;
  std::deque<spot*> line_;
};

}  // namespace gateway::onboarding
