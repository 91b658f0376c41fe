#include "store/redis/backoff.hpp"

#include <algorithm>
#include <cstdint>

namespace gateway::store::redis {

time::duration backoff::failed(double uniform) noexcept {
  const auto full = full_;
  full_ = std::min(full_ * 2, options_.most);
  const auto half = full / 2;
  return half + time::duration{static_cast<std::int64_t>(static_cast<double>((full - half).count()) * uniform)};
}

time::duration backoff::ended(time::duration lasted, double uniform) noexcept {
  if (lasted >= options_.most) full_ = options_.first;
  return failed(uniform);
}

}  // namespace gateway::store::redis
