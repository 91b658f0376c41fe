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
  std::vector<account_policy> accounts;  // those that it may use, by name

  const account_policy* find(std::string_view account_name) const noexcept;
};

// What came with a request to say who it is from.
struct credentials {
  std::optional<std::string_view> authorization;  // the header's value
  // The names in the verified certificate of its connection ("URI:...", "DNS:...": settings::certificate_name);
  // nullopt: it came without one.
  std::optional<std::span<const std::string>> certificate;
};

// Immutable: made once per configuration, then read from any thread without locks. Callers and policies stay where they
// are as long as the directory lives.
class directory {
 public:
  explicit directory(std::shared_ptr<const settings::configuration> configuration);

  // The caller whose key stands in the Authorization header (`Bearer KEY`, RFC 6750; the scheme in any case, RFC 9110
  // section 11.1), or one of whose names stands in the certificate. Whatever is presented must be good: a key that
  // nobody has is refused although the certificate would do, and so are a key and a certificate of two callers, and a
  // certificate of two. A certificate of nobody says nothing: then the key decides, as without one.
  // Without callers in the configuration everybody is `anonymous`, with anything or nothing.
  // Else 401 `unauthenticated`, with the challenge; neither key nor names are ever part of it.
  std::expected<const caller*, errors::failure> authenticate(const credentials& shown) const;

  // 404 `not-found` for an account that nobody has, 403 `forbidden` for one that this caller may not use.
  std::expected<const account_policy*, errors::failure> authorize(const caller& who,
                                                                  std::string_view account_name) const;

  std::span<const caller> callers() const noexcept { return callers_; }
  const settings::configuration& configuration() const noexcept { return *configuration_; }

 private:
  struct digest_hash {
    std::size_t operator()(const settings::key_digest& digest) const noexcept;
  };
  struct same_digest {
    bool operator()(const settings::key_digest& a, const settings::key_digest& b) const noexcept;
  };

  void add(const std::string& name, const settings::caller& one);
  void add_anonymous();
  std::expected<const caller*, errors::failure> of_key(std::optional<std::string_view> authorization) const;
  std::expected<const caller*, errors::failure> of_certificate(std::span<const std::string> names) const;

  std::shared_ptr<const settings::configuration> configuration_;
  std::vector<caller> callers_;
  std::unordered_map<settings::key_digest, std::size_t, digest_hash, same_digest> by_key_;
  std::unordered_map<std::string, std::size_t> by_certificate_;
};

}  // namespace gateway::admission
