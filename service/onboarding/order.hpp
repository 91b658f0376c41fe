#pragma once

#include <memory>
#include <string>
#include <vector>

#include "foundation/time/clock.hpp"
#include "foundation/trace/origin.hpp"
#include "foundation/trace/trace.hpp"
#include "store/records.hpp"

namespace gateway::onboarding {

// A caller's request for a session, as it is kept while others may share what it leads to.
struct order {
  std::size_t caller = 0;
  std::string upstream_body{};           // merged
  std::vector<std::string> defaulted{};  // JSON Pointers
  std::string external_metadata{};
  std::optional<store::live_name> reuse{};  // equal for requests that may share a session; none: it shares none
  std::string idempotency_key{};            // empty: none
  time::instant deadline{};
  std::shared_ptr<store::asking> asking = std::make_shared<store::asking>();  // what it asks the store for
  trace::context trace{};                                                     // of the request that asked first
  trace::origin origin{};                                                     // that request
};

}  // namespace gateway::onboarding
