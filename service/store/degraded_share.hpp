#pragma once

#include <optional>
#include <string>

#include "store/memory_ledger.hpp"
#include "store/shared_options.hpp"

namespace gateway::store {

// What one replica may send while the store is away. From each window a share is set aside, for max_replicas replicas,
// and never used otherwise; one of them is this replica's, while it holds one of as many leases.
//
// A lease lasts for the longest window beyond the time within which it may be used, so whoever gets it next begins when
// all that was sent under it has left every window. So the two budgets, and the shares of two holders, never meet.
class degraded_share {
 public:
  // `configured`: the rules before anything is set aside.
  degraded_share(const ledger_rules& configured, const shared_options& options);

  // What is set aside of a window, and a replica's part of that.
  static std::uint32_t set_aside(std::uint32_t rate, const shared_options& options) noexcept;
  static std::uint32_t part(std::uint32_t rate, const shared_options& options) noexcept;

  // Whether there is any share to hold a lease of.
  bool exists() const noexcept { return exists_; }
  // How long a lease is to last in the store, and what all its holders must agree about.
  time::duration lease_length() const noexcept { return length_; }
  const std::string& fingerprint() const noexcept { return fingerprint_; }
  // When to take or renew it.
  time::instant lease_due() const noexcept { return exists_ ? due_ : time::instant::max(); }
  void lease_asked(time::instant now) noexcept { due_ = now + usable_for_ / 4; }
  void leased(time::instant asked) noexcept { usable_until_ = asked + usable_for_ - usable_for_ / 1000; }
  void refused() noexcept { usable_until_ = {}; }
  // Until when it may be used; the past, and the epoch: not now.
  time::instant usable_until() const noexcept { return exists_ ? usable_until_ : time::instant{}; }
  // No further use is made of it. Whether the lease may go to another at once.
  bool leave(time::instant now) noexcept;

  // When a permit can be drawn while the store is away; `max` and `store`: not under this lease, or none is held.
  opening drawable(const use& of, time::instant now);
  drawing draw(const use& of, time::instant now);
  memory_ledger& books() noexcept { return books_; }
  const ledger_rules& rules() const noexcept { return books_.rules(); }
  const history& known(std::uint32_t resource) const noexcept { return books_.known(resource); }

 private:
  bool admits(const use& of) const noexcept;
  bool limits(const use& of) const noexcept;

  bool exists_;
  time::duration usable_for_;
  time::duration length_;
  std::string fingerprint_;
  memory_ledger books_;
  time::instant due_{};
  time::instant usable_until_{};
  time::instant last_drawn_{};
  bool drew_ = false;
};

}  // namespace gateway::store
