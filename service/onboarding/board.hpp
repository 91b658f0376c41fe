#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "onboarding/flight.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

class keyed_creation;

// The creations of an account that are under way, on all loops: where who asks for the same finds it. Any thread.
class board {
 public:
  // The one of that name, or else the one that `make` makes; true if it was made now, and is to be started.
  template <typename Make>
  std::pair<std::shared_ptr<flight>, bool> equal(const store::live_name& name, const Make& make) {
    const std::lock_guard lock{mutex_};
    if (const auto found = equal_.find(name); found != equal_.end()) {
      auto known = found->second.first.lock();
      if (known && !known->given_up() && !failed(*known)) return {std::move(known), false};
    }
    std::shared_ptr<flight> made = make();
    equal_.insert_or_assign(name, std::pair{std::weak_ptr{made}, made.get()});
    return {std::move(made), true};
  }
  // It is no longer under way, if it is the one of that name.
  void done(const store::live_name& name, const flight* of) {
    const std::lock_guard lock{mutex_};
    const auto found = equal_.find(name);
    if (found == equal_.end()) return;
    if (found->second.second == of) equal_.erase(found);
  }

  template <typename Make>
  std::pair<std::shared_ptr<keyed_creation>, bool> keyed(const store::key_name& name, const Make& make) {
    const std::lock_guard lock{mutex_};
    if (const auto found = keyed_.find(name); found != keyed_.end()) {
      if (auto known = found->second.first.lock()) return {std::move(known), false};
    }
    std::shared_ptr<keyed_creation> made = make();
    keyed_.insert_or_assign(name, std::pair{std::weak_ptr{made}, made.get()});
    return {std::move(made), true};
  }
  void done(const store::key_name& name, const keyed_creation* of) {
    const std::lock_guard lock{mutex_};
    if (const auto found = keyed_.find(name); found != keyed_.end() && found->second.second == of) keyed_.erase(found);
  }

 private:
  static bool failed(const flight& one) {
    const auto end = one.look();
    return end && end->failure;
  }

  std::mutex mutex_;
  std::map<store::live_name, std::pair<std::weak_ptr<flight>, const flight*>> equal_;
  std::map<store::key_name, std::pair<std::weak_ptr<keyed_creation>, const keyed_creation*>> keyed_;
};

}  // namespace gateway::onboarding
