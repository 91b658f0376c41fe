#include "onboarding/key_lookup.hpp"

#include "onboarding/claim_lease.hpp"

namespace gateway::onboarding {

transport::task<std::optional<store::claim>> look_up(transport::loop& here, store::records& records,
                                                     store::key_name name, store::digest of) {
  using enum store::claim::outcome;
  const auto by = std::make_shared<store::asking>();
  auto claiming = records.claim_key(name, of, here.now() + claim_lease::length, by);
  auto claimed = co_await std::move(claiming);
  if (claimed.is == yours) {
    auto releasing = records.released({.name = std::move(name), .token = claimed.token, .by = by});
    co_await std::move(releasing);
  }
  const bool stands = claimed.is == done || claimed.is == unknown || claimed.is == other_body;
  co_return stands ? std::optional{std::move(claimed)} : std::nullopt;
}

}  // namespace gateway::onboarding
