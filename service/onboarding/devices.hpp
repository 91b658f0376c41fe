#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "onboarding/sessions.hpp"
#include "onboarding/shared_read.hpp"

namespace gateway::onboarding {

// What Podero said about devices, for all who ask. Immutable.
struct device_page {
  std::optional<errors::failure> failure{};  // instead of the rest
  std::string body{};                        // as Podero sent it
  time::instant good_until{};
  dispatch::stage_times stages{};  // of the read; none where it was read before
  unsigned upstream_status = 0;
};
using page = std::shared_ptr<const device_page>;

// What was read lately of an account's devices, by its path, and what is being read. Pages are good for a short while;
// the oldest go first where there are too many. Any thread.
class device_cache {
 public:
  using read = shared_read<page>;

  explicit device_cache(std::size_t most = 10'000) noexcept : most_{most} {}

  page find(const std::string& path, time::instant now) const;
  void keep(const std::string& path, page what);
  // The read of that path under way, or the one that `make` makes, which is to be started then.
  template <typename Make>
  std::pair<std::shared_ptr<read>, bool> under_way(const std::string& path, const Make& make) {
    const std::lock_guard lock{mutex_};
    auto& known = reads_[path];
    if (auto one = known.lock(); one && one->open()) return {std::move(one), false};
    std::shared_ptr<read> made = make();
    known = made;
    return {std::move(made), true};
  }
  // Its read is over.
  void done(const std::string& path);
  std::size_t size() const;

 private:
  struct kept {
    page what;
    std::list<std::string>::iterator age;
  };
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<std::string, kept> pages_;
  std::list<std::string> ages_;  // the oldest first
  std::map<std::string, std::weak_ptr<read>> reads_;
};

struct device_rules {
  std::vector<std::string> types{"heat-pumps"};       // the paths that may be asked for
  time::duration good_for = std::chrono::seconds{5};  // zero: nothing is kept
  friend bool operator==(const device_rules&, const device_rules&) = default;
};

// What is asked for: all devices of that type of a user, or one.
struct device_request {
  std::size_t caller = 0;
  std::string_view user_id;
  std::string_view type;       // "heat-pumps"
  std::string_view device_id;  // empty: the list
  bool fresh = false;          // not what is kept
  time::instant deadline{};
};

// Podero's devices of one account, on one loop.
class devices {
 public:
  struct parts {
    transport::loop& loop;
    dispatch::dispatcher& way;
    device_cache& cache;                // of all loops
    std::string account;                // its name, for messages
    std::optional<std::string> org_id;  // none: not configured
    onboarding::observer& observer;
    device_rules rules{};
  };
  explicit devices(parts given) : parts_{std::move(given)} {}

  // Other rules, for requests to come.
  void adopt(device_rules rules) { parts_.rules = std::move(rules); }

  // What is kept, or Podero's answer, which is asked for once for all who want the same. Null: the caller left.
  transport::task<page> read(device_request what, transport::departure* who);

 private:
  transport::task<page> ask_podero(std::string path, bool list, dispatch::call_control& control,
                                   transport::departure& everybody);

  parts parts_;
};

}  // namespace gateway::onboarding
