#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "admission/directory.hpp"
#include "limiter/gate.hpp"

namespace gateway::app {

class shared_store;

// The limiter's domains of a configuration: accounts that name one test account are counted together, every other one
// by itself.
class limits {
 public:
  // An account's place.
  struct place {
    limiter::shared_domain* domain = nullptr;
    std::size_t account = 0;  // in the domain
  };

  // `shared`: what replicas share; null: this process is alone.
  limits(const settings::configuration& from, const admission::directory& callers, transport::loop& home,
         shared_store* shared);

  // For the same accounts; callers keep their numbers. Any thread, at any time.
  void change(const settings::configuration& to, const admission::directory& callers);

  const place& of(const std::string& account) const { return places_.at(account); }
  // Each once.
  const std::map<std::string, std::unique_ptr<limiter::shared_domain>>& domains() const noexcept { return domains_; }

 private:
  static std::map<std::string, std::vector<std::string>> members_of(const settings::configuration& from);
  static limiter::domain_rules rules_for(const std::vector<std::string>& accounts, const settings::configuration& from,
                                         const admission::directory& callers);
  static std::unique_ptr<limiter::shared_domain> made(const std::string& key, limiter::domain_rules rules,
                                                      const settings::configuration& from, transport::loop& home,
                                                      shared_store* shared);

  std::map<std::string, std::unique_ptr<limiter::shared_domain>> domains_;
  std::map<std::string, place> places_;
};

}  // namespace gateway::app
