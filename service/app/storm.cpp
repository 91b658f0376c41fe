#include "app/storm.hpp"

#include <algorithm>

namespace gateway::app {

namespace {

// For a line that leaves out what it does not know.
std::optional<std::string_view> known(std::string_view text) noexcept {
  return text.empty() ? std::nullopt : std::optional{text};
}

}  // namespace

void storm::happened(time::instant now, std::string_view reason, const dispatch::errand* of) {
  if (repetition_.say(now)) {
    log_.warn(message_, {{"account", account_},
                         {"operation", of == nullptr ? std::nullopt : known(to_string(of->what))},
                         {"reason", reason},
                         {"request_id", of == nullptr ? std::nullopt : known(of->origin.request.view())},
                         {"trace_id", of == nullptr ? std::nullopt : known(of->trace.trace())}});
    return;
  }
  summarised_.add();
  note_reason(reason);
  what_.reset();
  trace_ = {};
  origin_ = {};
  if (of == nullptr) return;
  what_ = of->what;
  trace_ = of->trace;
  origin_ = of->origin;
}

void storm::note_reason(std::string_view reason) {
  reason_ = reason;
  const auto known = std::ranges::find(unsaid_, reason, &unsaid::reason);
  if (known != unsaid_.end())
    ++known->times;
  else if (unsaid_.size() < most_reasons)
    unsaid_.push_back({std::string{reason}, 1});
  else
    ++of_other_reasons_;
}

// Where there was more than one: "answered 500 (12), answered 503 (3)".
std::string storm::reasons() const {
  std::string all;
  if (unsaid_.size() < 2) return all;
  for (const auto& one : unsaid_)
    all += (all.empty() ? "" : ", ") + one.reason + " (" + std::to_string(one.times) + ")";
  if (of_other_reasons_ > 0) all += ", others (" + std::to_string(of_other_reasons_) + ")";
  return all;
}

void storm::tell(time::instant now) {
  const auto many = repetition_.due(now);
  if (!many) return;
  const auto within = std::chrono::duration_cast<std::chrono::seconds>(repetition_.interval()).count();
  const auto all = reasons();
  log_.warn(message_, {{"account", account_},
                       {"operation", what_ ? known(to_string(*what_)) : std::nullopt},
                       {"reason", reason_},
                       {"reasons", known(all)},
                       {"request_id", known(origin_.request.view())},
                       {"trace_id", known(trace_.trace())},
                       {"times", *many},
                       {"within_s", within}});
  unsaid_.clear();
  of_other_reasons_ = 0;
}

}  // namespace gateway::app
