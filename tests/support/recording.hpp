#pragma once

#include <memory>
#include <string>

#include "support/tap.hpp"

namespace gateway::support {

// What went over one connection of a caller to the gateway, for tests/contract, which holds every answer against the
// contract: a line {"from", "sent", "got"} in the folder that the variable GATEWAY_RECORD names, written when the
// connection is over. Bytes are written as the characters of the same number.
class recording final : public tap {
 public:
  // Null without the variable.
  static std::unique_ptr<tap> begin();
  ~recording() override;

  void sent(std::string_view bytes) override { sent_ += bytes; }
  void got(std::string_view bytes) override { got_ += bytes; }

 private:
  std::string sent_;
  std::string got_;
};

}  // namespace gateway::support
