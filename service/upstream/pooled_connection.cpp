#include "upstream/pooled_connection.hpp"

#include <algorithm>
#include <array>

namespace gateway::upstream {

using transport::io_status;
using transport::readiness;

std::string_view to_string(close_reason why) noexcept {
  switch (why) {
    case close_reason::idle_limit:
      return "idle_limit";
    case close_reason::age:
      return "age";
    case close_reason::server_closed:
      return "server_closed";
    case close_reason::error:
      return "error";
    case close_reason::yielded:
      return "yielded";
    case close_reason::drained:
      return "drained";
  }
  return "error";
}

void pooled_connection::rest(time::deadline_queue& queue, time::instant now, time::instant until) {
  resting_since_ = now;
  rests_until_ = until;
  channel_->ready().observe(this);
  arm(queue, std::min(until, retire_at_));
}

bool pooled_connection::resume(time::instant now, close_reason& why) noexcept {
  disarm();
  channel_->ready().observe(nullptr);
  rested_before_ = now - resting_since_;
  return usable(now, why);
}

bool pooled_connection::usable(time::instant now, close_reason& why) noexcept {
  const auto& ready = channel_->ready();
  // What has arrived in this turn of the loop is known, although nobody was told of it yet; so is the time.
  if (ready.has(readiness::hung_up) || (ready.has(readiness::readable) && gone()))
    why = close_reason::server_closed;
  else if (worn_out(now))
    why = close_reason::age;
  else if (now >= rests_until_)
    why = close_reason::idle_limit;
  else
    return true;
  return false;
}

bool pooled_connection::gone() noexcept {
  std::array<char, 64> unexpected;
  const auto got = channel_->try_read(unexpected);
  return got.status != io_status::want_read && got.status != io_status::want_write;
}

}  // namespace gateway::upstream
