#include "app/store_refusals.hpp"

#include <algorithm>

namespace gateway::app {
namespace {

// Redis' own text, of which the first words say everything.
constexpr std::size_t longest_reason = 200;

}  // namespace

std::string_view store_refusals::shown(std::string_view reason) noexcept {
  return reason.substr(0, std::min(reason.find_first_of("\r\n"), longest_reason));
}

void store_refusals::refused(std::string_view command, std::string_view reason, time::instant now) {
  const std::scoped_lock lock{mutex_};
  auto& one = all_.try_emplace(std::string{command}).first->second;
  one.reason = shown(reason);
  if (one.repetition.say(now))
    log_.warn("the shared store answers with an error", {{"command", command}, {"reason", one.reason}});
  else
    summarised_.add();
}

void store_refusals::tell(time::instant now) {
  const std::scoped_lock lock{mutex_};
  for (auto& [command, one] : all_) {
    const auto many = one.repetition.due(now);
    if (!many) continue;
    const auto within = std::chrono::duration_cast<std::chrono::seconds>(one.repetition.interval()).count();
    log_.warn("the shared store answers with an error",
              {{"command", command}, {"reason", one.reason}, {"times", *many}, {"within_s", within}});
  }
}

}  // namespace gateway::app
