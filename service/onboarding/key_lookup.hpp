#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "foundation/transport/departure.hpp"
#include "foundation/transport/loop.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What a key stands for already, and so what a request with it is answered, whatever else there is to say of it: it is
// done, its outcome is not known, or it was used with another body. Nothing: none of these, or the store does not
// answer. Takes the key no longer than for that.
transport::task<std::optional<store::claim>> look_up(transport::loop& here, store::records& records,
                                                     store::key_name name, store::digest of);

struct claimed_key {
  store::claim key{};  // busy: the time was over, or whoever asked has left, before it was free
  std::shared_ptr<store::asking> by{};
};

// Claims a key; one that another request holds is waited for, until that says what became of it, or until `until`,
// which may grow meanwhile, or until `who` leaves. `sent_elsewhere`: whether that other request has left for Podero.
// All of them outlive the task.
transport::task<claimed_key> claim_when_free(transport::loop& here, store::records& records, store::key_name name,
                                             store::digest of, std::function<time::instant()> until,
                                             transport::departure& who, std::atomic<bool>& sent_elsewhere);

}  // namespace gateway::onboarding
