#include "telemetry/export_pace.hpp"

#include <algorithm>

namespace gateway::telemetry {

export_end end_of(unsigned status) noexcept {
  if (status >= 200 && status < 300) return export_end::accepted;
  // Those that OTLP/HTTP says may be tried again.
  const bool later = status == 429 || status == 502 || status == 503 || status == 504;
  return later ? export_end::failed : export_end::refused;
}

export_pace::plan export_pace::after(export_end how, std::optional<time::duration> asked) noexcept {
  failing_ = how != export_end::accepted;
  if (how != export_end::failed) {
    tries_ = 0;
    failures_ = 0;
    return {};
  }
  constexpr unsigned most_doublings = 5;
  const auto wait = interval * (1U << std::min(failures_, most_doublings));
  ++failures_;
  const bool keep = ++tries_ < most_tries;
  if (!keep) tries_ = 0;
  return {.keep = keep, .wait = std::clamp<time::duration>(asked.value_or(wait), interval, longest_wait)};
}

}  // namespace gateway::telemetry
