#pragma once

#include <atomic>
#include <functional>

#include "dispatch/dispatcher.hpp"
#include "onboarding/joint.hpp"

namespace gateway::onboarding {

// ONE read upstream for all who ask for the same at the same time: with the latest deadline and the best caller among
// them. It ends when everybody has left.
template <typename Outcome>
class shared_read final : public joint<Outcome> {
 public:
  using work = std::function<transport::task<Outcome>(dispatch::call_control&, transport::departure&)>;

  // `stopped`: what it comes to where its loop ends first.
  shared_read(transport::loop& home, time::instant deadline, std::size_t caller, work what, Outcome stopped)
      : home_{home}, control_{deadline, caller}, work_{std::move(what)}, stopped_{std::move(stopped)} {}

  // On the home loop, to be spawned once.
  static transport::task<> run(std::shared_ptr<shared_read> self) {
    struct ending {
      explicit ending(shared_read& which) : of{which} {}
      ending(const ending&) = delete;
      ending& operator=(const ending&) = delete;
      shared_read& of;
      ~ending() { of.conclude(std::move(of.stopped_)); }
    } const whatever_happens{*self};
    auto working = self->work_(self->control_, self->everybody_left_);
    auto got = co_await std::move(working);
    self->conclude(std::move(got));
  }

  // Somebody else waits for it, too. Any thread.
  void join(time::instant deadline, std::size_t caller) {
    home_.post([weak = this->weak_from_this(), deadline, caller] {
      const auto self = std::static_pointer_cast<shared_read>(weak.lock());
      if (self && !self->look()) self->control_.extend(deadline, caller);
    });
  }
  bool given_up() const noexcept { return given_up_.load(std::memory_order_acquire); }
  // Whoever comes now can still have its outcome.
  bool open() const { return !this->look() && !given_up(); }

 private:
  void deserted() override {
    home_.post([weak = this->weak_from_this()] {
      const auto self = std::static_pointer_cast<shared_read>(weak.lock());
      // Somebody may have come since.
      if (!self || self->look() || !self->empty()) return;
      self->given_up_.store(true, std::memory_order_release);
      self->everybody_left_.happen(self->home_.ready());
    });
  }

  transport::loop& home_;
  dispatch::call_control control_;
  transport::departure everybody_left_;
  work work_;
  Outcome stopped_;
  std::atomic<bool> given_up_{false};
};

}  // namespace gateway::onboarding
