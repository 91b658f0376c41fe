#pragma once

#include <cstdint>
#include <optional>

#include "foundation/time/clock.hpp"

namespace gateway::telemetry {

// How sending one batch ended.
enum class export_end : std::uint8_t {
  accepted,
  refused,  // the collector answered that it will not take it
  failed    // it is not there, too slow, or asks to come later
};

export_end end_of(unsigned status) noexcept;

// What follows the sending of a batch, and when the next one goes: a few tries for the same batch, further and further
// apart, then it is given up, for what came since is worth more. A decision: it asks no clock.
class export_pace {
 public:
  static constexpr unsigned most_tries = 4;
  static constexpr time::duration interval = std::chrono::seconds{1};
  static constexpr time::duration longest_wait = std::chrono::seconds{30};

  struct plan {
    bool keep = false;       // the batch, to try again with it
    time::duration wait{0};  // before the next try, or before the next batch
  };
  // `asked`: how long the collector's answer asks to wait.
  plan after(export_end how, std::optional<time::duration> asked = std::nullopt) noexcept;

  // The first batch that is not accepted, and the first that is again, are worth a line in the log.
  bool failing() const noexcept { return failing_; }

 private:
  unsigned tries_ = 0;     // of the present batch, that failed
  unsigned failures_ = 0;  // in a row, of whatever batch
  bool failing_ = false;   // the last batch was not accepted
};

}  // namespace gateway::telemetry
