#pragma once

#include "foundation/json/scanner.hpp"
#include "onboarding/url_reader.hpp"

#include <string>

namespace gateway::onboarding {

// Memory that the decisions of one event loop use again and again. No decision depends on what is in it before.
struct scratch {
  json::scanner scanner;
  url_reader urls;
  std::string url;   // the session's authentication_url
  std::string link;  // a Connect URL in the making
};

}  // namespace gateway::onboarding
