#pragma once

#include <memory>
#include <string>

#include "foundation/random/source.hpp"
#include "store/hints.hpp"
#include "store/redis/client.hpp"
#include "store/sealing.hpp"
#include "store/shared_token.hpp"

namespace gateway::store {

struct redis_token_options {
  std::string prefix = "onboarding-gateway:";
  std::string account{};
  std::string endpoint{};  // whose tokens they are: its URL
  // What asking the endpoint may take, at the most, and some: whoever holds the lease for longer has died.
  time::duration lease = std::chrono::seconds{15};
  time::duration failure = std::chrono::seconds{1};  // so long others share it
  time::duration timeout = std::chrono::milliseconds{50};
};

// Kept in Redis. Sealed with a key from the client secret, under a name that tells one secret, client and endpoint from
// another. When it expires is reckoned in Redis' time from BEFORE the endpoint was asked, so that however late the
// token is written or read nobody uses it for too long.
//
// Under PREFIX{ACCOUNT:FINGERPRINT}:token:HIDDEN are a hash with id, sealed, lifetime and expires, and with suffixes
//   :lease   a hash: fence, and after a failure `failed` (sealed)
//   :fence   the last lease's number
class redis_token final : public shared_token {
 public:
  struct parts {
    transport::loop& loop;
    redis::client& client;
    store::hints& hints;
    random::source& randomness;
    redis_token_options options;
  };
  static constexpr std::string_view purpose = "token";

  explicit redis_token(parts given);

  std::string id_of(const token_owner& who, const secrets::secret& token) override;
  transport::task<token_search> search(token_owner who, std::string known, bool refused) override;
  transport::task<> keep(token_owner who, token_lease lease, secrets::secret token, time::duration lifetime) override;
  transport::task<> failed(token_owner who, token_lease lease, bool refused, std::string reason,
                           time::duration asked_for) override;
  transport::task<> changed(token_owner who, time::instant until) override;

 private:
  // Keys and names for one owner.
  struct place {
    std::shared_ptr<const sealing> seals;
    std::string token{};
    std::string lease{};
    std::string fence{};
  };
  place of(const token_owner& who);
  token_search read(const redis::reply& from, const place& at, time::instant asked_at) const;
  token_search read_found(const redis::reply& from, const place& at, time::instant asked_at) const;
  token_search read_failed(const redis::reply& from, const place& at, time::instant asked_at) const;

  parts parts_;
  const std::string channel_;
  const redis::script search_;
  const redis::script keep_;
  const redis::script fail_;
  secrets::secret sealed_with_{};  // of `seals_`
  std::shared_ptr<const sealing> seals_{};
};

}  // namespace gateway::store
