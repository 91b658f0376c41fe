#pragma once

#include <memory>

#include "foundation/random/source.hpp"
#include "store/hints.hpp"
#include "store/redis/client.hpp"
#include "store/sealing.hpp"
#include "store/shared_polls.hpp"

namespace gateway::store {

struct redis_polls_options {
  std::string prefix = "onboarding-gateway:";
  std::string account{};
  // What one poll may take, at the most, and some: whoever is at it for longer has died.
  time::duration lease = std::chrono::seconds{15};
  time::duration timeout = std::chrono::milliseconds{50};
};

// Kept in Redis, of one loop. Under PREFIX{ACCOUNT:FINGERPRINT}:
//   poll:HIDDEN       a hash: number and sealed (the last answer), at (of the last poll), turn and lease (the present
//   one) completed:HIDDEN  that some replica has counted it
class redis_polls final : public shared_polls {
 public:
  struct parts {
    transport::loop& loop;
    redis::client& client;
    store::hints& hints;
    random::source& randomness;
    std::shared_ptr<const sealing> seals;  // for `purpose`
    redis_polls_options options;
  };
  static constexpr std::string_view purpose = "polls";

  explicit redis_polls(parts given);

  transport::task<poll_turn> begin(std::string session, std::uint64_t known, time::duration interval) override;
  transport::task<std::uint64_t> ended(std::string session, std::uint64_t number,
                                       std::optional<std::string> upstream_body) override;
  transport::task<bool> changed(std::string session, time::instant until) override;
  transport::task<bool> completed_first(std::string session) override;

 private:
  std::string record_of(std::string_view session) const;
  poll_turn read(const redis::reply& from, const std::string& record, time::instant asked_at) const;

  parts parts_;
  const std::string base_;
  const std::string channel_;
  const redis::script begin_;
  const redis::script end_;
  const redis::script complete_;
};

}  // namespace gateway::store
