#pragma once

#include "listener/api.hpp"

// For the api's own sources only.
namespace gateway::listener {

// What one request needs beside its bytes.
struct api::request_scratch final : scratch {
  std::string path;  // where it is not a part of the target
  routing where;
  std::shared_ptr<const rulebook> rules;  // where the pointers below lead
  const admission::caller* caller = nullptr;
  const admission::account_policy* account = nullptr;
  std::optional<std::chrono::seconds> wait;
  bool may_reuse = true;
  bool keyed = false;
  std::string key;  // Idempotency-Key, where it is keyed
  time::instant deadline{};
  onboarding::workspace space;
};

}  // namespace gateway::listener
