#pragma once

#include <list>
#include <map>
#include <mutex>

#include "store/records.hpp"

namespace gateway::store {

// Kept by this process alone, for its life. Any thread; nothing in it waits.
class memory_records final : public records {
 public:
  explicit memory_records(const time::clock& clock, records_bounds bounds = {}) : clock_{clock}, bounds_{bounds} {}

  std::optional<kept_answer> kept_here(const key_name& name, const digest& of) override;
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

  std::size_t keys() const;

 private:
  struct record {
    key_state state = key_state::none;
    digest of{};
    std::uint64_t token = 0;
    time::instant lease_until{};
    time::instant expires{};
    kept_answer answer{};
    std::list<key_name>::iterator age{};
  };
  using by_key = std::map<key_name, record>;
  struct kept_live {
    live_session what{};
    time::instant until{};
  };

  claim claim_now(const key_name& name, const digest& of, time::instant lease_until);
  claim made(const key_name& name, const digest& of, time::instant lease_until, time::instant now);
  said apply(const hold& by, key_event what, time::instant lease_until, kept_answer* answer);
  void forget(by_key::iterator which);
  void forget_old(time::instant now);
  static std::size_t size_of(const key_name& name, const record& of) noexcept;

  const time::clock& clock_;
  const records_bounds bounds_;
  mutable std::mutex mutex_;
  by_key keys_;
  std::list<key_name> ages_;  // oldest first; all live equally long
  std::size_t bytes_ = 0;
  std::uint64_t last_token_ = 0;
  std::map<live_name, kept_live> live_;
};

}  // namespace gateway::store
