#include "foundation/time/http_date.hpp"

#include <array>
#include <ctime>

namespace gateway::time {

std::string http_date(wall_instant when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  // The program never leaves the C locale, so the names are the English ones that the RFC wants.
  const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace gateway::time
