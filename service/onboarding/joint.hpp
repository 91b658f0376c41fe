#pragma once

#include <boost/intrusive/list.hpp>

#include <memory>
#include <mutex>

#include "foundation/transport/departure.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"

namespace gateway::onboarding {

// Work whose one outcome several wait for, each on its own loop and within its own time. Any thread.
template <typename Outcome>
class joint : public std::enable_shared_from_this<joint<Outcome>> {
 public:
  joint() = default;
  virtual ~joint() = default;
  joint(const joint&) = delete;
  joint& operator=(const joint&) = delete;

  // Waits on the calling loop, until `until` at the most, or until `caller` leaves. Null: no outcome yet. Destroying
  // the task is leaving.
  transport::task<std::shared_ptr<const Outcome>> outcome(transport::loop& here, time::instant until,
                                                          transport::departure* caller) {
    const auto self = this->shared_from_this();
    seat mine{*this, here};
    if (auto known = look()) co_return known;
    auto waiting = mine.wait(until);
    co_await transport::unless_gone(std::move(waiting), caller);
    co_return look();
  }

  bool empty() const {
    const std::lock_guard lock{mutex_};
    return seats_.empty();
  }
  // How many wait.
  std::size_t waiting() const {
    const std::lock_guard lock{mutex_};
    return seats_.size();
  }

  std::shared_ptr<const Outcome> look() const {
    const std::lock_guard lock{mutex_};
    return outcome_;
  }

 protected:
  // Once; everybody who waits gets it.
  void conclude(Outcome what) {
    const std::lock_guard lock{mutex_};
    if (outcome_) return;
    outcome_ = std::make_shared<const Outcome>(std::move(what));
    for (auto& one : seats_) one.call();
  }

 private:
  // The last of those who waited has left, and there is no outcome. On the loop of the one who left.
  virtual void deserted() = 0;

  class seat : public boost::intrusive::list_base_hook<> {
   public:
    seat(joint& of, transport::loop& here) : of_{of}, loop_{here}, parked_{here.ready()} {
      const std::lock_guard lock{of_.mutex_};
      of_.seats_.push_back(*this);
    }
    ~seat() {
      bool last = false;
      {
        const std::lock_guard lock{of_.mutex_};
        of_.seats_.erase(of_.seats_.iterator_to(*this));
        last = of_.seats_.empty() && !of_.outcome_;
      }
      if (last) of_.deserted();
    }
    seat(const seat&) = delete;
    seat& operator=(const seat&) = delete;

    transport::task<bool> wait(time::instant until) {
      co_await parked_.wait(loop_.deadlines(), until);
      co_return true;
    }
    // Whoever has left by then does not hear it.
    void call() {
      loop_.post([this, alive = std::weak_ptr{alive_}] {
        if (alive.lock()) parked_.wake_up();
      });
    }

   private:
    joint& of_;
    transport::loop& loop_;
    transport::parking parked_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

  mutable std::mutex mutex_;
  std::shared_ptr<const Outcome> outcome_;
  boost::intrusive::list<seat> seats_;
};

}  // namespace gateway::onboarding
