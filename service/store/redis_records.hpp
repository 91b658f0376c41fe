#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "foundation/random/source.hpp"
#include "store/hints.hpp"
#include "store/record_scripts.hpp"
#include "store/records.hpp"
#include "store/redis/client.hpp"
#include "store/sealing.hpp"

namespace gateway::store {

// Hears what goes wrong with records: for the log and the metrics. On the loop.
class record_observer {
 public:
  virtual ~record_observer() = default;
  // A value under a name of ours cannot be unsealed: somebody has changed it. A key's answer counts as unknown.
  virtual void unreadable() noexcept = 0;
  // What became of a key could not be recorded in time: its lease's end will say.
  virtual void not_recorded(key_event what) noexcept = 0;
};

struct redis_records_options {
  std::string prefix = "onboarding-gateway:";
  std::string account{};
  std::vector<std::string> callers{};  // names, by index: replicas may count their callers differently
  records_bounds bounds{};             // `bytes` and `live_sessions` are Redis' own affair
  time::duration timeout = std::chrono::milliseconds{50};  // what a request may wait for Redis, in all
  // What happened and could not be recorded is said again, for so long, by so many at a time.
  time::duration repeat_for = std::chrono::seconds{60};
  std::size_t most_repeated = 1000;
};

// Kept in Redis, for all replicas. Of one loop: every loop has its own for the account, over its own client; what one
// claimed another may go on with. Keys, bodies and answers are hidden or sealed there.
//
// Everything is under PREFIX{ACCOUNT:FINGERPRINT}: so that Redis Cluster has an account's keys in one place:
//   key:HIDDEN       a hash: state, digest, token, lease, step and said (the last of its holder's), answer (sealed)
//   keys             all of the above by when they expire, for their number
//   fence            the last token
//   live:HIDDEN      a hash: session (hidden), sealed
//   session:HIDDEN   the name of the above
class redis_records final : public records {
 public:
  struct parts {
    transport::loop& loop;
    redis::client& client;
    store::hints& hints;
    random::source& randomness;
    record_observer& observer;
    std::shared_ptr<const sealing> seals;  // for `purpose`
    redis_records_options options;
  };
  static constexpr std::string_view purpose = "records";

  explicit redis_records(parts given);

  transport::task<claim> claim_key(key_name name, digest of, time::instant lease_until,
                                   std::shared_ptr<asking> by) override;
  transport::task<said> renewed(hold what, time::instant lease_until) override;
  transport::task<said> sending(hold what, time::instant lease_until) override;
  transport::task<said> taken_back(hold what) override;
  transport::task<said> finished(hold what, kept_answer answer) override;
  transport::task<said> lost(hold what) override;
  transport::task<said> released(hold what) override;
  transport::task<> changed(transport::loop& here, key_name name, time::instant until) override;

  transport::task<std::optional<live_session>> live(live_name name, std::shared_ptr<asking> by) override;
  transport::task<> keep_live(live_name name, live_session what, time::instant until,
                              std::shared_ptr<asking> by) override;
  transport::task<> end_live(std::string session) override;

  // What is being said again.
  std::size_t repeating() const noexcept { return repeating_; }

 private:
  // Something to tell of a key.
  struct saying {
    hold what;
    key_event event = key_event::lose;
    std::uint32_t step = 0;
    time::duration lease{0};  // zero: as it is
    std::string answer{};     // sealed; empty: none
  };
  struct repetition;
  struct keeping;

  redis::script_call call_of(const saying& what) const;
  transport::task<said> tell(saying what, time::instant deadline);
  transport::task<said> tell_within_patience(saying what);
  transport::task<said> tell_again_and_again(saying what);
  static transport::task<> repeat(redis_records& self, std::shared_ptr<repetition> job);
  static transport::task<> keep(redis_records& self, std::shared_ptr<keeping> job);
  transport::task<bool> rest(time::duration how_long);

  claim read_claim(const redis::reply& from, const std::string& record, time::instant now);
  claim kept(const redis::reply& from, const std::string& record);
  std::string member_of(const key_name& name) const;
  std::string body_of(const digest& of) const;
  std::string live_key(const live_name& name) const;
  std::string caller(std::size_t index) const;
  time::instant patience(const asking* by) const noexcept;

  parts parts_;
  const std::string base_;
  const std::string index_;
  const std::string fence_;
  const std::string channel_;
  const record_scripts scripts_;
  std::size_t repeating_ = 0;
};

}  // namespace gateway::store
