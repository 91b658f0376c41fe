#pragma once

#include <deque>
#include <vector>

#include "foundation/transport/loop.hpp"
#include "store/records.hpp"

namespace gateway::dispatch {

// Records of which a test may say that they are away, or no longer held.
class scripted_records final : public store::records {
 public:
  explicit scripted_records(store::records& of) noexcept : kept_{&of} {}
  // Elsewhere from now on.
  void keep_in(store::records& other) noexcept { kept_ = &other; }

  transport::task<store::claim> claim_key(store::key_name name, store::digest of, time::instant lease_until,
                                          std::shared_ptr<store::asking> by) override {
    claimed.push_back(lease_until);
    if (away) co_return store::claim{};
    by->spend(std::chrono::milliseconds{20});
    co_return co_await kept_->claim_key(std::move(name), of, lease_until, std::move(by));
  }
  transport::task<store::said> renewed(store::hold what, time::instant lease_until) override {
    ++renewals;
    co_return co_await kept_->renewed(std::move(what), lease_until);
  }
  transport::task<store::said> sending(store::hold what, time::instant lease_until) override {
    sent.push_back(lease_until);
    spent = what.by->spent();
    auto really = kept_->sending(std::move(what), lease_until);
    if (!sending_says) co_return co_await std::move(really);
    if (written_all_the_same) co_await std::move(really);
    co_return *sending_says;
  }
  transport::task<store::said> taken_back(store::hold what) override {
    co_return co_await kept_->taken_back(std::move(what));
  }
  transport::task<store::said> finished(store::hold what, store::kept_answer answer) override {
    if (away_after_the_fact) co_return store::said::away;
    co_return co_await kept_->finished(std::move(what), std::move(answer));
  }
  transport::task<store::said> lost(store::hold what) override { co_return co_await kept_->lost(std::move(what)); }
  transport::task<store::said> released(store::hold what) override {
    ++releases;
    co_return co_await kept_->released(std::move(what));
  }
  transport::task<> changed(transport::loop& here, store::key_name name, time::instant until) override {
    waits.push_back(until);
    co_await kept_->changed(here, std::move(name), until);
  }
  transport::task<std::optional<store::live_session>> live(store::live_name name,
                                                           std::shared_ptr<store::asking> by) override {
    if (away) co_return std::nullopt;
    co_return co_await kept_->live(name, std::move(by));
  }
  transport::task<> keep_live(store::live_name name, store::live_session what, time::instant until,
                              std::shared_ptr<store::asking> by) override {
    co_await kept_->keep_live(name, std::move(what), until, std::move(by));
  }
  transport::task<> end_live(std::string session) override { co_await kept_->end_live(std::move(session)); }

  bool away = false;
  bool away_after_the_fact = false;
  std::optional<store::said> sending_says{};
  bool written_all_the_same = false;  // its answer was lost

  std::vector<time::instant> claimed;  // the leases
  std::vector<time::instant> sent;
  std::vector<time::instant> waits;
  time::duration spent{0};  // until it was sent: a claim takes 20 ms
  int renewals = 0;
  int releases = 0;

 private:
  store::records* kept_;
};

}  // namespace gateway::dispatch
