#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "dispatch/dispatcher.hpp"
#include "onboarding/joint.hpp"
#include "onboarding/users.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What a user's idempotency key came to.
struct user_end {
  std::optional<errors::failure> failure{};
  user_answer answer{};
  std::string body{};
  dispatch::stage_times stages{};
  unsigned upstream_status = 0;
};

// The creation of a user with an idempotency key, from the claim of the key to its answer. It belongs to the service:
// whoever asked waits within its own time, and what was sent ends whoever waits. All of it is on the loop of its
// `users`.
class keyed_user final : public joint<user_end>, private dispatch::journey {
 public:
  struct order {
    std::size_t caller = 0;
    std::string key{};
    store::digest of{};           // of the body as the caller sent it
    std::string upstream_body{};  // as Podero gets it
    time::instant deadline{};
    trace::context trace{};
    trace::origin origin{};
  };
  keyed_user(users& by, order what);

  // To be spawned once.
  static transport::task<> run(std::shared_ptr<keyed_user> self);

  // The key is this request's: it waits for nobody else's.
  bool ours() const noexcept { return ours_; }
  bool sent() const noexcept { return sent_; }
  // Whoever has the key has sent.
  bool sent_elsewhere() const noexcept { return sent_elsewhere_; }

 private:
  transport::task<user_end> work();
  transport::task<user_end> create();
  transport::task<> record(const user_end& end);
  transport::task<std::optional<errors::failure>> about_to_send() override;
  void had_no_effect() override;
  void deserted() override;

  users& by_;
  order order_;
  store::hold key_;
  dispatch::workspace space_;
  transport::departure left_;
  bool ours_ = false;
  bool sent_ = false;
  std::atomic<bool> sent_elsewhere_{false};
};

}  // namespace gateway::onboarding
