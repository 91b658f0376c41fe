#include "app/store_refusals.hpp"

#include <algorithm>

namespace gateway::app {
namespace {

// Redis' own text, of which the first words say everything.
constexpr std::size_t longest_reason = 200;
// Long enough for whoever calls with a key now and then.
constexpr auto remembered = std::chrono::minutes{5};

}  // namespace

std::string_view store_refusals::shown(std::string_view reason) noexcept {
  return reason.substr(0, std::min(reason.find_first_of("\r\n"), longest_reason));
}

void store_refusals::refused(std::string_view command, std::string_view reason, time::instant now) {
  const std::scoped_lock lock{mutex_};
  auto& one = all_.try_emplace(std::string{command}).first->second;
  one.reason = shown(reason);
  one.at = now;
  any_ = true;
  if (one.repetition.say(now))
    log_.warn("the shared store answers with an error", {{"command", command}, {"reason", one.reason}});
  else
    summarised_.add();
}

void store_refusals::answered(std::string_view command) noexcept {
  if (!any_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock{mutex_};
  if (const auto found = all_.find(command); found != all_.end()) found->second.at.reset();
  any_ = std::ranges::any_of(all_, [](const auto& one) { return one.second.at.has_value(); });
}

std::vector<refused_command> store_refusals::present(time::instant now) const {
  const std::scoped_lock lock{mutex_};
  std::vector<refused_command> some;
  for (const auto& [command, one] : all_)
    if (one.at && now - *one.at < remembered) some.push_back({command, one.reason});
  return some;
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
