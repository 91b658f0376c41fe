#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/circuit_breaker.hpp"
#include "foundation/time/clock.hpp"
#include "token/keeper.hpp"

namespace gateway::app {

// What is in force for somebody who looks at the gateway. calm: everything is served. limited: something is refused or
// late as the limits say, or will be soon, or what an operator wants is not in force. outage: an account, or what all
// depend on, does not work.
enum class situation : std::uint8_t { calm = 0, limited = 1, outage = 2 };
std::string_view to_string(situation value) noexcept;

// One thing that an operator should know, in words.
struct concern {
  situation severity = situation::limited;
  std::string account{};     // empty: about all of them
  std::string_view alert{};  // the alert of that name, docs/runbooks/ALERT.md
  std::string text{};
};

// An account as the rules below look at it.
struct account_facts {
  std::string name{};
  bool token_tried = true;
  bool token_usable = true;
  time::duration token_left{0};
  token::keeper::standing token_standing = token::keeper::standing::well;
  dispatch::circuit_state circuit = dispatch::circuit_state::closed;
  time::duration paused_for{0};
  double slow_down = 1.0;
  std::size_t waiting = 0;
  time::duration oldest_wait{0};
  struct window {
    std::string_view name{};
    std::uint32_t remaining = 0;
    time::duration next_in{0};
  };
  std::vector<window> windows{};
  std::size_t slots = 0;  // 0: no test account
  std::size_t slots_held = 0;
  std::optional<time::duration> slot_free_in{};  // the first that ends
  std::optional<time::duration> share_left;      // of the degraded share, while the store is away
  bool store_away = false;
};

// What the shared store answers with an error.
struct refused_command {
  std::string command{};  // or the script
  std::string reason{};   // in the store's words

  // Without it nobody gets anything done who sends an Idempotency-Key.
  bool of_keys() const noexcept { return command.starts_with("key_"); }
};

// The process as they look at it.
struct process_facts {
  bool draining = false;
  std::string_view config_refused{};                // why the last new configuration was; empty: it was not
  std::vector<std::string_view> unsafe_settings{};  // of the shared store
  std::vector<refused_command> refused{};           // by it, at present
  time::duration worst_lag{0};
  time::duration longest_silence{0};  // of a loop
  struct certificate {
    std::string_view listener{};
    bool up_to_date = true;  // false: its files have changed and cannot be used
    time::duration left{0};  // of the one in force
  };
  std::vector<certificate> certificates{};
};

// The worst first. Pure.
std::vector<concern> concerns_of(const process_facts& process, const std::vector<account_facts>& accounts);
situation worst_of(const std::vector<concern>& concerns, std::string_view account);  // of one account
situation worst_of(const std::vector<concern>& concerns);

}  // namespace gateway::app
