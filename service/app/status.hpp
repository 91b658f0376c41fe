#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/account.hpp"
#include "app/concerns.hpp"
#include "app/recent_traffic.hpp"

namespace gateway::app {

// The certificate that a listener shows.
struct certificate_seen {
  std::string_view listener{};
  bool up_to_date = true;  // false: its files have changed and cannot be used
  time::wall_instant expiry{};
};

// What the document is made of, as it is now.
struct status_view {
  const time::clock& clock;
  std::string_view version{};
  std::string_view revision{};
  std::string config_hash{};
  std::string config_refused{};  // why the last new configuration was refused; empty: it was not
  time::instant started{};
  bool draining = false;

  std::string_view store_mode{};                    // "memory", "shared", "degraded"
  std::vector<std::string_view> unsafe_settings{};  // of the shared store
  std::vector<refused_command> refused{};           // by the shared store

  std::vector<certificate_seen> certificates{};  // of listeners with TLS

  struct loop {
    time::duration lag{0};
    time::duration silence{0};  // since it turned last
  };
  std::vector<loop> loops{};

  struct connections {
    std::size_t idle = 0;
    std::size_t busy = 0;
    std::size_t connecting = 0;
  };
  connections callers_connections{};  // busy: with a request

  struct account {
    const account_core* core = nullptr;
    connections upstream{};
  };
  std::vector<account> accounts{};

  struct caller {
    const admission::caller* who = nullptr;
    caller_totals totals{};
  };
  std::vector<caller> callers{};
  std::vector<problem_seen> problems{};  // the latest first
};

// What is wrong, the worst first: what the document begins with. Any thread.
std::vector<concern> concerns_in(const status_view& of);

// What an operator asks in an incident, as JSON by proto-free-api/schemas/status.json, members in this order: the
// situation and what is wrong in words; the process; of every account its windows, queue, pause, slots, token,
// connections and circuit; callers; recent problems. Names of callers, ids of sessions and ages; never users. Any
// thread.
std::string render_status(const status_view& of);

}  // namespace gateway::app
