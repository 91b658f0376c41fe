#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "foundation/journal/log.hpp"
#include "foundation/journal/repetition.hpp"
#include "foundation/metrics/registry.hpp"

namespace gateway::app {

// Events that come in storms: the first is a line, the rest a number per interval, with the reasons that they had.
class storm {
 public:
  storm(journal::log& log, metrics::counter& summarised, std::string account, std::string_view message)
      : log_{log}, summarised_{summarised}, account_{std::move(account)}, message_{message} {}

  // `of`: what it happened to; none: to nothing in particular.
  void happened(time::instant now, std::string_view reason, const dispatch::errand* of = nullptr);
  // From time to time.
  void tell(time::instant now);

 private:
  static constexpr std::size_t most_reasons = 8;  // that are told apart

  struct unsaid {
    std::string reason;
    std::uint64_t times = 0;
  };
  void note_reason(std::string_view reason);
  std::string reasons() const;

  journal::log& log_;
  metrics::counter& summarised_;
  std::string account_;
  std::string_view message_;
  // Of those that are not told yet; of the last one, what it happened to.
  std::vector<unsaid> unsaid_;
  std::uint64_t of_other_reasons_ = 0;
  std::string reason_;
  std::optional<dispatch::operation> what_;
  trace::context trace_;
  trace::origin origin_;
  journal::repetition repetition_;
};

}  // namespace gateway::app
