#include "admission/load_gate.hpp"

#include <algorithm>
#include <string>

namespace gateway::admission {
namespace {

errors::failure overloaded(std::string detail, std::string limit, std::string state) {
  errors::failure f;
  f.id = errors::problem::overloaded;
  f.detail = std::move(detail);
  f.decision = errors::decision{errors::guard::overload, std::move(limit), std::move(state), {}};
  f.retry_after = std::chrono::seconds{1};
  return f;
}

}  // namespace

void lag_share::late_by(time::duration lag) noexcept {
  last_ = lag;
  if (lag >= limit_) {
    late_in_a_row_ = std::min(late_in_a_row_ + 1, patience);
    if (late_in_a_row_ == patience) share_ = std::max(least, share_ - share_ / 4);
    return;
  }
  late_in_a_row_ = 0;
  if (lag < limit_ / 2) share_ = std::min(all, share_ + all / 16);
}

bool lag_share::admits() noexcept {
  if (share_ == all) return true;
  credit_ += share_;
  if (credit_ < all) return false;
  credit_ -= all;
  return true;
}

std::optional<errors::failure> load_gate::at_the_door() {
  if (auto full = at_the_desk()) return full;
  if (lag_.admits()) return std::nullopt;
  const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(lag_.last()).count();
  return overloaded("The gateway is behind with its work and takes fewer requests until it has caught up.", "loop-lag",
                    std::to_string(late) + " ms behind");
}

std::optional<errors::failure> load_gate::at_the_desk() const {
  const auto now = requests_.now();
  if (now < requests_.most()) return std::nullopt;
  return overloaded("The gateway handles as many requests as it may at once.", "requests-in-flight",
                    std::to_string(now) + " of " + std::to_string(requests_.most()) + " used");
}

}  // namespace gateway::admission
