#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "limiter/lane.hpp"
#include "limiter/resources.hpp"

namespace gateway::limiter {

// What a domain's limits are called, and how full they are: for refused callers, headers, views and metrics.
class refusals {
 public:
  refusals(const domain_rules& rules, store::ledger& of);

  // After the rules have changed. Names that were given out stay valid.
  void rename();
  // Everything but the instant. `waiting`: how many wait on the account.
  refusal of_turn(const lane& of, const store::binding& why, std::size_t waiting, time::instant now) const;
  std::string queue_state(std::size_t account, std::size_t waiting) const;
  // The windows that a permit draws from, with what stands in the queue taken off.
  void windows(const store::use& of, const lanes& active, time::instant now, std::vector<window_state>& into) const;

 private:
  struct fill {
    std::size_t used = 0;
    time::instant next{};
    time::instant restored{};
  };
  // What a resource's windows are filled from.
  struct source {
    const store::resource& rules;
    const store::history& past;
    const store::pace* pace;  // none: it is not paced
  };
  source source_of(std::uint32_t resource) const;
  // How a window is called, and what of it was used when it was last looked at.
  struct shown {
    std::string_view name;
    mutable std::size_t lately = 0;
  };
  static fill fill_of(const source& from, const window& one, const shown& as, time::instant now);
  void resource(std::uint32_t number, const lanes& active, time::instant now, std::vector<window_state>& into) const;
  std::string slots_state(time::instant now) const;

  const domain_rules& rules_;
  store::ledger& ledger_;
  resources numbers_;
  std::set<std::string, std::less<>> known_names_;
  std::vector<std::vector<shown>> shown_;  // by resource and window
};

}  // namespace gateway::limiter
