#include "onboarding/key_lookup.hpp"

#include <algorithm>

#include "onboarding/claim_lease.hpp"
#include "store/polling.hpp"

namespace gateway::onboarding {

namespace {

transport::task<bool> change(transport::loop& here, store::records& records, store::key_name name,
                             time::instant until) {
  auto changing = records.changed(here, std::move(name), until);
  co_await std::move(changing);
  co_return true;
}

}  // namespace

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

transport::task<claimed_key> claim_when_free(transport::loop& here, store::records& records, store::key_name name,
                                             store::digest of, std::function<time::instant()> until,
                                             transport::departure& who, std::atomic<bool>& sent_elsewhere) {
  store::polling pace;
  for (;;) {
    // Every look has a patience of its own: it is the creation that has one in all.
    const auto by = std::make_shared<store::asking>();
    auto claiming = records.claim_key(name, of, here.now() + claim_lease::length, by);
    auto got = co_await std::move(claiming);
    sent_elsewhere = got.sent;
    if (got.is != store::claim::outcome::busy || here.now() >= until() || who.happened())
      co_return claimed_key{std::move(got), by};
    auto waiting = change(here, records, name, std::min(until(), here.now() + pace.next()));
    co_await transport::unless_gone(std::move(waiting), &who);
  }
}

}  // namespace gateway::onboarding
