#include "store/server_clock.hpp"

#include <algorithm>

namespace gateway::store {

namespace {

constexpr std::int64_t drift = 2000;  // a two-thousandth is 500 ppm

time::duration since_its_epoch(server_instant at) noexcept {
  return std::chrono::microseconds{at};
}

}  // namespace

bool server_clock::heard(server_instant at, time::instant asked, time::instant received) noexcept {
  // Its clock shows whole microseconds: it may be nearly one later.
  const auto least = asked.time_since_epoch() - since_its_epoch(at + 1);
  const auto most = received.time_since_epoch() - since_its_epoch(at);
  const auto drifted = std::max(received - heard_, time::duration{0}) / drift;
  const bool agrees = !known_ || (most >= least_ - drifted && least <= most_ + drifted);
  if (known_ && agrees) {
    least_ = std::max(least, least_ - drifted);
    most_ = std::min(most, most_ + drifted);
    taken_ = std::clamp(taken_, least_, most_);
  } else {
    least_ = least;
    most_ = taken_ = most;
  }
  known_ = true;
  heard_ = received;
  return agrees;
}

time::instant server_clock::local(server_instant at) const noexcept {
  return time::instant{since_its_epoch(at) + taken_};
}

server_instant server_clock::latest(time::instant at) const noexcept {
  return std::chrono::ceil<std::chrono::microseconds>(at.time_since_epoch() - least_).count();
}

}  // namespace gateway::store
