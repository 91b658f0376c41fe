#pragma once

#include <atomic>
#include <string>

#include "onboarding/flight.hpp"
#include "onboarding/order.hpp"

namespace gateway::onboarding {

class sessions;

// What an idempotency key came to: the same for everybody who comes with it.
struct keyed_end {
  std::optional<errors::failure> failure{};
  unsigned status = 0;
  std::string session{};  // its id
  std::string body{};
  dispatch::stage_times stages{};
  unsigned upstream_status = 0;
  bool replayed = false;  // it was known before
  bool given_up = false;  // nobody had time for it any more: whoever comes now needs another one
};

// A creation with an idempotency key, from the claim of the key to its answer. Like a flight it belongs to the service;
// it runs on the loop of its `sessions`.
class keyed_creation final : public joint<keyed_end> {
 public:
  keyed_creation(sessions& by, order what, store::digest of)
      : by_{by}, order_{std::move(what)}, digest_{of}, deadline_{order_.deadline} {}

  // To be spawned once.
  static transport::task<> run(std::shared_ptr<keyed_creation> self);

  const store::digest& of() const noexcept { return digest_; }
  // Any thread.
  void join(time::instant deadline, std::size_t caller);
  bool sent() const;
  // By this replica or by another one.
  bool may_be_sent() const { return sent() || sent_elsewhere_.load(std::memory_order_relaxed); }
  bool be_first() noexcept { return !taken_.exchange(true); }
  // The key is this replica's: it waits for nobody else's request.
  bool ours() const noexcept { return ours_.load(std::memory_order_relaxed); }

 private:
  void deserted() override;
  transport::task<keyed_end> work();
  transport::task<keyed_end> create(std::uint64_t token);
  transport::task<> record(store::hold mine, keyed_end& end);
  static keyed_end told(store::claim what, time::instant now);
  time::instant latest() const;
  void takes(const std::shared_ptr<flight>& what);
  store::key_name name() const { return {order_.caller, order_.idempotency_key}; }

  sessions& by_;
  order order_;
  const store::digest digest_;
  std::shared_ptr<store::asking> asking_{};
  transport::departure everybody_left_;
  std::atomic<bool> taken_{false};
  std::atomic<bool> ours_{false};
  std::atomic<bool> sent_elsewhere_{false};
  mutable std::mutex way_mutex_;
  time::instant deadline_;          // the latest of those who wait
  std::shared_ptr<flight> flight_;  // once there is one
};

}  // namespace gateway::onboarding
