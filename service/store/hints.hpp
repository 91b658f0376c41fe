#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "foundation/transport/loop.hpp"
#include "foundation/transport/parking.hpp"
#include "store/redis/subscriber.hpp"

namespace gateway::store {

// Wakes those who wait for another replica when it says that something has changed. Whoever waits also looks from time
// to time: a hint may be lost. Of one loop, for everything that the loop keeps under one prefix.
class hints {
 public:
  explicit hints(transport::loop& loop) noexcept : loop_{loop} {}
  hints(const hints&) = delete;
  hints& operator=(const hints&) = delete;

  // Where they are published.
  static std::string channel(std::string_view prefix) { return std::string{prefix} + "changed"; }
  // For a subscriber of that channel; this outlives it.
  redis::subscriber::handlers handlers();

  // Until `what` is heard of, or until `until`.
  transport::task<> wait(std::string what, time::instant until);

  void heard(std::string_view what) noexcept;
  // Some may have been missed: everybody looks.
  void missed() noexcept;

 private:
  transport::loop& loop_;
  std::multimap<std::string, transport::parking*, std::less<>> waiting_;
};

}  // namespace gateway::store
