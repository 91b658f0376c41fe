#pragma once

#include "foundation/transport/loop.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// Keeps a claimed key while its request waits for its turn, however long: the lease is short, so that others need not
// wait long for a replica that died, and is renewed. What is sent meanwhile needs none of this any more.
class claim_lease final : private time::deadline {
 public:
  // Outlasts two renewals that fail.
  static constexpr time::duration length = std::chrono::seconds{10};

  claim_lease(transport::loop& loop, store::records& records, store::hold what)
      : loop_{loop}, records_{records}, what_{std::move(what)} {
    again();
  }

 private:
  void again() { arm(loop_.deadlines(), loop_.now() + length / 3); }
  // Whether it worked shows when the key is to be sent.
  void expired() override {
    loop_.spawn(renew(records_, what_, loop_.now() + length));
    again();
  }
  static transport::task<> renew(store::records& records, store::hold what, time::instant until) {
    auto renewing = records.renewed(std::move(what), until);
    co_await std::move(renewing);
  }

  transport::loop& loop_;
  store::records& records_;
  const store::hold what_;
};

}  // namespace gateway::onboarding
