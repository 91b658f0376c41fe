#pragma once

#include <string>

#include "limiter/domain.hpp"

namespace gateway::limiter {

// The ledger's resources of a domain, by number.
class resources {
 public:
  resources(std::size_t accounts, std::size_t callers) noexcept : accounts_{accounts}, callers_{callers} {}

  enum class owner : std::uint8_t { account, test_account, caller };

  std::uint32_t of_account(std::size_t account, kind what) const noexcept { return number(account, what); }
  std::uint32_t of_test_account(kind what) const noexcept { return number(accounts_, what); }
  std::uint32_t of_caller(std::size_t caller, std::size_t account, kind what) const noexcept {
    return number(accounts_ + 1 + caller * accounts_ + account, what);
  }
  std::size_t count() const noexcept { return 2 * (accounts_ + 1 + callers_ * accounts_); }
  owner owner_of(std::uint32_t resource) const noexcept {
    const auto place = resource / 2;
    if (place < accounts_) return owner::account;
    return place == accounts_ ? owner::test_account : owner::caller;
  }
  static kind what_of(std::uint32_t resource) noexcept { return resource % 2 == 0 ? kind::request : kind::creation; }

 private:
  static std::uint32_t number(std::size_t place, kind what) noexcept {
    return static_cast<std::uint32_t>(2 * place + (what == kind::creation ? 1 : 0));
  }

  std::size_t accounts_;
  std::size_t callers_;
};

// "10s", "1m", "24h", "250ms": as a configuration would write it.
std::string length_of(time::duration per);
// "sessions-10s", "requests-1s", with "caller-" before it for a caller's own.
std::string name_of(const window& one, kind what, bool own);

}  // namespace gateway::limiter
