#pragma once

#include <expected>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "foundation/errors/problem.hpp"
#include "foundation/transport/departure.hpp"
#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "limiter/domain.hpp"

namespace gateway::limiter {

// One domain for all loops: a lock around its decisions, and one timer, on the home loop, for its next event. Any thread
// but where it says otherwise; the lock is held for arithmetic only. Outlives the gates and everything that waits.
class shared_domain {
 public:
  shared_domain(domain_rules rules, transport::loop& home);
  ~shared_domain();
  shared_domain(const shared_domain&) = delete;
  shared_domain& operator=(const shared_domain&) = delete;

  // Slots and their sessions; `domain` says what each does.
  void bind(std::uint64_t slot, std::string_view session);
  bool share(std::string_view session, std::size_t caller);
  bool holds(std::string_view session) const;
  bool give_back_slot(std::string_view session, std::size_t caller);
  void completed(std::string_view session);
  void free_slot(std::uint64_t slot);

  void pause(std::size_t account, time::instant until);
  void resume(std::size_t account);

  void windows(std::size_t account, std::size_t caller, kind what, std::vector<window_state>& into) const;
  void windows(std::size_t account, std::vector<window_state>& into) const;
  account_state state(std::size_t account) const;
  std::vector<slot_state> slots() const;
  const domain_rules& rules() const noexcept { return rules_; }

 private:
  friend class gate;
};

}  // namespace gateway::limiter
