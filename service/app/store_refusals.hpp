#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/concerns.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/journal/repetition.hpp"
#include "foundation/metrics/cells.hpp"
#include "foundation/time/clock.hpp"

namespace gateway::app {

// What the shared store answers with an error, in its own words: the first time a line for each command or script, then
// a number per interval. And which of them it refuses at present. For all loops of a process, whose threads may call it
// at once.
class store_refusals {
 public:
  // The counter is for this object alone: of lines that were not written.
  store_refusals(journal::log& log, metrics::counter& summarised) : log_{log}, summarised_{summarised} {}

  // Of what the server says as much as belongs into a line.
  static std::string_view shown(std::string_view reason) noexcept;

  void refused(std::string_view command, std::string_view reason, time::instant now);
  void answered(std::string_view command) noexcept;
  // Refused when they were asked last, in the last minutes: where nobody asks, nobody knows.
  std::vector<refused_command> present(time::instant now) const;
  // From time to time: what is due.
  void tell(time::instant now);

 private:
  struct refusal {
    std::string reason{};  // the last one
    journal::repetition repetition{};
    std::optional<time::instant> at{};  // none: it has been answered since
  };

  journal::log& log_;
  metrics::counter& summarised_;
  mutable std::mutex mutex_;
  std::map<std::string, refusal, std::less<>> all_;  // by command: few, all of them ours
  std::atomic<bool> any_{false};                     // has an `at`, so that otherwise an answer costs no lock
};

}  // namespace gateway::app
