#pragma once
// Who calls, and what may they do.

#include "foundation/errors/problem.hpp"
#include "settings/configuration.hpp"

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gateway::admission {

// What one caller may do with one account. The pointers live as long as the directory.
struct account_policy {
  std::string_view account_name;
  std::size_t account_index = 0;  // small and the same for all callers: for arrays and metrics
  const settings::account* account = nullptr;
  settings::caller_limits limits;  // this caller's own, on top of the account's; empty: none
  const settings::redirect_hosts* redirect_hosts = nullptr;
  boost::json::object defaults;  // the account's, with the caller's in their place where both have one
};

struct caller {
  std::string name;
  std::size_t index = 0;  // small: for arrays and metrics
  std::uint32_t weight = 1;
  bool anonymous = false;
  bool gone = false;                     // an earlier configuration had it: nobody is this caller any more
  std::vector<account_policy> accounts;  // those that it may use, by name

  const account_policy* find(std::string_view account_name) const noexcept;
};

// Immutable: made once per configuration, then read from any thread without locks. Callers and policies stay where they
// are as long as the directory lives.
class directory {
 public:
  explicit directory(std::shared_ptr<const settings::configuration> configuration);
  // After `before`: a caller's index stays its own. Those that are new come after all others; those that are gone keep
  // their place, and nobody gets in by it.
  directory(std::shared_ptr<const settings::configuration> configuration, const directory& before);

  // The caller whose key stands in the Authorization header (`Bearer KEY`, RFC 6750; the scheme in any case, RFC 9110
  // section 11.1). Without callers in the configuration everybody is `anonymous`, with any header or none.
  // Else 401 `unauthenticated`, with the challenge; the key is never part of it.
  std::expected<const caller*, errors::failure> authenticate(std::optional<std::string_view> authorization) const;

  // The caller of whom a verified client certificate has one of these names; nullptr: nobody's.
  const caller* of_certificate(std::span<const std::string_view> names) const;

  // 404 `not-found` for an account that nobody has, 403 `forbidden` for one that this caller may not use.
  std::expected<const account_policy*, errors::failure> authorize(const caller& who,
                                                                  std::string_view account_name) const;

  std::span<const caller> callers() const noexcept { return callers_; }
  const settings::configuration& configuration() const noexcept { return *configuration_; }

 private:
  struct digest_hash {
    std::size_t operator()(const settings::key_digest& digest) const noexcept;
  };

  void fill();
  caller& place_of(const std::string& name);
  void add(const std::string& name, const settings::caller& one);
  void add_anonymous();

  std::shared_ptr<const settings::configuration> configuration_;
  std::vector<caller> callers_;
  std::optional<std::size_t> anonymous_;  // everybody is this caller
  std::unordered_map<settings::key_digest, std::size_t, digest_hash> by_key_;
  std::unordered_map<std::string_view, std::size_t> by_certificate_;
};

}  // namespace gateway::admission
