#pragma once

#include <string>

namespace gateway::app {

// What became of an operator's order.
struct control_answer {
  bool done = false;
  std::string text{};  // for people
};

}  // namespace gateway::app
