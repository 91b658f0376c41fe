#pragma once

#include <string>
#include <vector>

#include "foundation/time/clock.hpp"
#include "store/redis/script.hpp"

namespace gateway::store {

// What a domain's ledger is to know besides its rules, to be shared by replicas. Names are what they find each other
// by, as numbers differ between configurations.
struct shared_options {
  std::string prefix{};  // of all keys
  std::string domain{};  // the test account, or the account alone
  struct named {
    std::string name{};      // "a/sandbox/requests"
    bool of_caller = false;  // a caller's own: permits that draw on it are reserved for this caller alone
  };
  std::vector<named> resources{};       // by the rules' numbers
  std::vector<std::string> accounts{};  // names hold no line breaks
  std::vector<std::string> callers{};
  std::string replica{};  // unlike any other's, without spaces

  // Every window is longer by this at least, at most by a twentieth of its length: what a reservation may be late.
  time::duration least_stretch = std::chrono::milliseconds{100};
  time::duration reach = std::chrono::milliseconds{100};
  time::duration recovery_cap = std::chrono::seconds{60};
  time::duration timeout = std::chrono::milliseconds{50};  // of one answer
  time::duration refresh = std::chrono::seconds{1};        // no mirror is older than this

  // When the store is away: of each window so many thousandths are set aside, for this many replicas. 0: nothing is,
  // and nobody goes then; so for a test account.
  std::uint32_t degraded_thousandths = 0;
  std::uint32_t max_replicas = 1;
  time::duration lease = std::chrono::minutes{10};  // how long after the last renewal the share may be used
};

// A script to be run now. The answer, or why there is none, goes back with the tag.
struct order {
  std::uint64_t tag = 0;
  const redis::script* what = nullptr;
  std::vector<std::string> keys{};
  std::vector<std::string> arguments{};
  time::instant deadline{};

  redis::script_call call() const;
};

}  // namespace gateway::store
