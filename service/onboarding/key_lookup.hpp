#pragma once

#include <optional>

#include "foundation/transport/loop.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// What a key stands for already, and so what a request with it is answered, whatever else there is to say of it: it is
// done, its outcome is not known, or it was used with another body. Nothing: none of these, or the store does not
// answer. Takes the key no longer than for that.
transport::task<std::optional<store::claim>> look_up(transport::loop& here, store::records& records,
                                                     store::key_name name, store::digest of);

}  // namespace gateway::onboarding
