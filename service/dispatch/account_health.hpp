#pragma once

#include <mutex>
#include <utility>

#include "dispatch/circuit_breaker.hpp"
#include "dispatch/retry_budget.hpp"
#include "foundation/transport/loop.hpp"

namespace gateway::dispatch {

// What all loops know together about one account's upstream: its circuit breaker and its retry budget. Any thread; the
// lock is held for a few additions and never over I/O.
class account_health {
 public:
  account_health(breaker_options breaker, budget_options budget) noexcept : breaker_{breaker}, budget_{budget} {}

  // The right to make one attempt. Destroyed without a verdict, it reports a failure: what is forgotten, or torn down
  // in the middle, never holds the circuit half-open.
  class permit {
   public:
    permit(permit&& other) noexcept : of_{std::exchange(other.of_, nullptr)}, on_{other.on_}, ticket_{other.ticket_} {}
    permit& operator=(permit&&) = delete;
    ~permit() { settle(verdict::failure); }

    // The circuit's state after it, where it changed.
    std::optional<circuit_state> settle(verdict how) noexcept {
      auto* of = std::exchange(of_, nullptr);
      return of == nullptr ? std::nullopt : of->report(ticket_, how, on_.now());
    }

   private:
    friend account_health;
    permit(account_health& of, const transport::loop& on, circuit_breaker::ticket ticket) noexcept
        : of_{&of}, on_{on}, ticket_{ticket} {}

    account_health* of_;
    const transport::loop& on_;
    circuit_breaker::ticket ticket_;
  };

  // Or when it is worth asking again. `first`: of its request, which the budget counts.
  std::expected<permit, time::instant> ask(const transport::loop& on, bool first) noexcept {
    const std::lock_guard lock{mutex_};
    const auto ticket = breaker_.ask(on.now());
    if (!ticket) return std::unexpected{ticket.error()};
    if (first) budget_.on_request(on.now());
    return permit{*this, on, *ticket};
  }
  // True: one repetition was drawn from the budget.
  bool may_repeat(time::instant now) noexcept {
    const std::lock_guard lock{mutex_};
    return budget_.take(now);
  }
  // How many repetitions the budget has left.
  std::uint64_t repetitions_left(time::instant now) const noexcept {
    const std::lock_guard lock{mutex_};
    return budget_.left(now);
  }
  circuit_state state(time::instant now) const noexcept {
    const std::lock_guard lock{mutex_};
    return breaker_.state(now);
  }

 private:
  std::optional<circuit_state> report(circuit_breaker::ticket of, verdict how, time::instant now) noexcept {
    const std::lock_guard lock{mutex_};
    return breaker_.report(of, how, now);
  }

  mutable std::mutex mutex_;
  circuit_breaker breaker_;
  retry_budget budget_;
};

}  // namespace gateway::dispatch
