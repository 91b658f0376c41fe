#pragma once

#include <algorithm>

#include "foundation/time/clock.hpp"
#include "store/polling.hpp"
#include "store/shared_token.hpp"

namespace gateway::token {

// What an attempt does about the token that replicas share, by what the store said: pure.
class sharing {
 public:
  enum class step : std::uint8_t {
    ask,    // the endpoint, with the lease if there is one
    adopt,  // the token that was found
    pass,   // it by: search again, and for another one
    wait,   // until `until` or a hint, then search again
    fail    // with the failure of another replica
  };
  struct plan {
    step next = step::ask;
    time::instant until{};
  };

  // Whoever holds a lease is not waited for beyond `patience` in all: that store is not to be relied on.
  explicit sharing(time::instant now, time::duration patience = std::chrono::seconds{60}) noexcept
      : patience_ends_{now + patience} {}

  // `mine`: when the present token expires.
  plan after(const store::token_search& said, time::instant mine, time::instant now) noexcept {
    using outcome = store::token_search::outcome;
    switch (said.is) {
      case outcome::found:
        // From when the store was away there may be an older one.
        return {std::max(mine, now) < said.grant.expiry ? step::adopt : step::pass};
      case outcome::failed:
        return {step::fail};
      case outcome::busy:
        if (now >= patience_ends_) return {step::ask};
        return {step::wait, std::min(now + pace_.next(), std::max(said.until, now + shortest))};
      default:
        return {step::ask};
    }
  }

 private:
  static constexpr time::duration shortest = std::chrono::milliseconds{10};
  time::instant patience_ends_;
  store::polling pace_;
};

}  // namespace gateway::token
