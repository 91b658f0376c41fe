#pragma once

#include <optional>
#include <string>
#include <vector>

#include "limiter/domain.hpp"
#include "onboarding/ownership.hpp"

namespace gateway::onboarding {

// One window of the limits, as it stands for a caller.
using limiter::window_state;

struct slot_view {
  std::vector<std::string> holders{};  // callers' names
  time::wall_instant since{};
  time::wall_instant until{};
  std::optional<std::string> session{};  // only where it is this caller's
};

struct test_account_view {
  std::string name{};
  std::uint32_t open_sessions = 0;
  std::optional<std::uint32_t> own_open_sessions{};  // the caller's own limit
  std::vector<slot_view> held{};
};

struct window_view {
  std::string name{};
  bool own = false;  // the caller's own limit
  std::uint32_t rate = 0;
  time::duration per{};
  std::uint32_t remaining = 0;
  time::wall_instant next{};
};

struct upstream_view {
  bool token = false;
  std::string_view circuit{};
};

// What one caller may still do on an account, and what it has open there. Instants are wall time: this leaves the
// service.
struct account_view {
  std::vector<window_view> windows{};  // of a creation
  std::size_t waiting = 0;
  std::optional<time::duration> oldest{};
  std::optional<time::wall_instant> paused_until{};
  double slow_down = 1.0;
  std::optional<test_account_view> test_account{};
  std::vector<own_session> open_sessions{};
  upstream_view upstream{};
};

}  // namespace gateway::onboarding
