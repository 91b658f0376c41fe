#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "dispatch/sliding_counts.hpp"

namespace gateway::dispatch {

struct breaker_options {
  time::duration window = std::chrono::seconds{10};
  std::uint32_t min_requests = 20;
  double failure_ratio = 0.5;
  time::duration open_for = std::chrono::seconds{5};
  time::duration probe_timeout = std::chrono::seconds{12};  // after which a probe that was never reported has failed
};

enum class circuit_state : std::uint8_t { closed = 0, half_open = 1, open = 2 };
constexpr std::string_view to_string(circuit_state value) noexcept {
  return value == circuit_state::closed ? "closed" : value == circuit_state::open ? "open" : "half-open";
}

// What an attempt says about the upstream's health. neutral: nothing, as where we gave up ourselves.
enum class verdict : std::uint8_t { success, failure, neutral };

// Stops asking an upstream that fails: pure decisions over (event, now).
//
//     closed ── failure_ratio of at least min_requests in the window ──> open
//     open ── open_for is over ──> half-open: one probe at a time
//     half-open ── the probe succeeds ──> closed;  it fails, or is not heard of in time ──> open
//
// What was begun before the state changed says nothing about the state after it. No lock: account_health has one.
class circuit_breaker {
 public:
  struct ticket {
    std::uint64_t epoch = 0;
    bool probe = false;
  };

  explicit circuit_breaker(breaker_options options) noexcept : options_{options}, counts_{options.window} {}

  // The right to make one attempt, to be reported; or when it is worth asking again.
  std::expected<ticket, time::instant> ask(time::instant now) noexcept;
  // The state after it, where it changed.
  std::optional<circuit_state> report(ticket of, verdict how, time::instant now) noexcept;
  circuit_state state(time::instant now) const noexcept;

 private:
  void notice_lost_probe(time::instant now) noexcept;
  circuit_state open(time::instant now) noexcept;
  std::optional<circuit_state> report_probe(ticket of, verdict how, time::instant now) noexcept;

  breaker_options options_;
  sliding_counts counts_;  // marked: failures
  std::uint64_t epoch_ = 0;
  bool closed_ = true;
  time::instant open_until_{};
  std::optional<time::instant> probe_until_;  // while a probe is under way
};

}  // namespace gateway::dispatch
