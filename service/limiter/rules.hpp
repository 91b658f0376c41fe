#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "foundation/time/clock.hpp"
#include "store/window.hpp"

namespace gateway::limiter {

using store::window;

// Creations count in both sorts of windows, all other requests only in the first.
struct window_set {
  std::vector<window> requests{};
  std::vector<window> sessions{};
};

struct account_rules {
  std::string name{};
  window_set windows{};
  time::duration stretch{0};  // windows are longer by this, at most by a twentieth of their length
  std::size_t queue_length = 1000;
  time::duration max_wait = std::chrono::seconds{5};
  time::duration longest_pause = std::chrono::minutes{15};
};

struct test_account_rules {
  std::string name{};
  window_set windows{};
  time::duration stretch{0};
  std::uint32_t open_sessions = 2;
  time::duration slot_ttl = std::chrono::minutes{15};
};

// A caller's own limits on one account; asked before the account's.
struct own_rules {
  bool may_use = true;  // callers that may not use an account have no share in it
  window_set windows{};
  std::optional<std::uint32_t> open_sessions{};
};

struct caller_rules {
  std::string name{};
  std::uint32_t weight = 1;
  std::vector<own_rules> on{};  // by the domain's account index
};

// Accounts whose windows are counted together: those that name one test account, or one account alone.
struct domain_rules {
  std::vector<account_rules> accounts{};
  std::optional<test_account_rules> test_account{};
  std::vector<caller_rules> callers{};  // by the directory's caller index
  // How long before its turn a waiting request gets its token and its connection.
  time::duration lead = std::chrono::milliseconds{500};
  // How long a drawn permit may wait for the last byte of its request to be handed to the socket.
  time::duration allowance = std::chrono::seconds{2};
  std::size_t most_told = 256;  // told instants that lie ahead, per line
};

}  // namespace gateway::limiter
