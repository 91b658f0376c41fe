#pragma once

#include "foundation/json/scanner.hpp"

#include <string>

namespace gateway::onboarding {

// Memory that the decisions of one event loop use again and again. Nothing in it outlives a call.
struct scratch {
  json::scanner scanner;
  std::string url;   // the session's authentication_url
  std::string link;  // a Connect URL in the making
};

}  // namespace gateway::onboarding
