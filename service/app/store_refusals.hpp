#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "foundation/journal/log.hpp"
#include "foundation/journal/repetition.hpp"
#include "foundation/metrics/cells.hpp"
#include "foundation/time/clock.hpp"

namespace gateway::app {

// What the shared store answers with an error, in its own words: the first time a line for each command or script, then
// a number per interval. For all loops of a process, whose threads may call it at once.
class store_refusals {
 public:
  // The counter is for this object alone: of lines that were not written.
  store_refusals(journal::log& log, metrics::counter& summarised) : log_{log}, summarised_{summarised} {}

  // Of what the server says as much as belongs into a line.
  static std::string_view shown(std::string_view reason) noexcept;

  void refused(std::string_view command, std::string_view reason, time::instant now);
  // From time to time: what is due.
  void tell(time::instant now);

 private:
  struct refusal {
    std::string reason{};  // the last one
    journal::repetition repetition{};
  };

  journal::log& log_;
  metrics::counter& summarised_;
  std::mutex mutex_;
  std::map<std::string, refusal, std::less<>> all_;  // by command: few, all of them ours
};

}  // namespace gateway::app
