#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "foundation/time/deadline_queue.hpp"
#include "foundation/transport/channel.hpp"
#include "upstream/connection_budget.hpp"

namespace gateway::upstream {

// Why a pool closed a connection. The names in metrics are those of `to_string`.
enum class close_reason : std::uint8_t {
  idle_limit,     // it rested as long as it may
  age,            // it is as old as it may get
  server_closed,  // the server closed it while it rested, or said what nobody asked for
  error,          // an exchange failed, or the answer forbids another one
  yielded,        // another loop needs it more
  drained         // the gateway is ending
};
std::string_view to_string(close_reason why) noexcept;
inline constexpr std::array all_close_reasons{close_reason::idle_limit,    close_reason::age,
                                              close_reason::server_closed, close_reason::error,
                                              close_reason::yielded,       close_reason::drained};

// One open connection with the right to it. While it rests it watches itself for a close and for its idle limit.
class pooled_connection final : private transport::readiness::observer, private time::deadline {
 public:
  // Told when a resting connection should rest no longer; may destroy it.
  class keeper {
   public:
    virtual void rested_enough(pooled_connection& c, close_reason why) noexcept = 0;

   protected:
    ~keeper() = default;
  };

  pooled_connection(keeper& told, connection_budget::right right, std::unique_ptr<transport::channel> channel,
                    time::instant worth_it_at, time::instant retire_at) noexcept
      : keeper_{told},
        right_{std::move(right)},
        channel_{std::move(channel)},
        worth_it_at_{worth_it_at},
        retire_at_{retire_at} {}

  transport::channel& channel() noexcept { return *channel_; }
  bool worn_out(time::instant now) const noexcept { return now >= retire_at_; }
  // From then on it was worth opening, and another loop may have its right.
  time::instant worth_it_at() const noexcept { return worth_it_at_; }
  // It carried an exchange before.
  bool used() const noexcept { return used_; }
  void mark_used() noexcept {
    used_ = true;
    rests_until_ = time::instant::max();  // that rest is over
  }

  // From `now` to `until` at the most.
  void rest(time::deadline_queue& queue, time::instant now, time::instant until);
  // It is used again. False: it should not be, because it is gone or has rested or lived too long; `why` says which.
  bool resume(time::instant now, close_reason& why) noexcept;
  // The same of one that was taken a while ago and has carried nothing yet: nobody has watched it meanwhile.
  bool usable(time::instant now, close_reason& why) noexcept;
  time::duration rested(time::instant now) const noexcept { return now - resting_since_; }
  // How long it had rested when it was used again; zero if it never rested.
  time::duration rested_before() const noexcept { return rested_before_; }

  // The server has closed it, or said something that nobody asked for.
  bool gone() noexcept;

 private:
  void channel_event() override {
    if (gone()) keeper_.rested_enough(*this, close_reason::server_closed);
  }
  void expired() override {
    keeper_.rested_enough(*this, expiry() >= retire_at_ ? close_reason::age : close_reason::idle_limit);
  }

  keeper& keeper_;
  connection_budget::right right_;  // given back only when the channel is closed
  std::unique_ptr<transport::channel> channel_;
  time::instant worth_it_at_;
  time::instant retire_at_;
  time::instant resting_since_{};
  time::instant rests_until_ = time::instant::max();  // also while it is somebody's who has not begun yet
  time::duration rested_before_{};
  bool used_ = false;
};

}  // namespace gateway::upstream
