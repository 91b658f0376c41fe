#pragma once

#include <string_view>

namespace gateway::support {

// Hears what goes over a connection.
class tap {
 public:
  virtual ~tap() = default;
  virtual void sent(std::string_view bytes) = 0;
  virtual void got(std::string_view bytes) = 0;
};

}  // namespace gateway::support
