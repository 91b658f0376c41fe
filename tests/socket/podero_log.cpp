#include "socket/podero_log.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace gateway::socket_tests {

instants creations(const running_simulator& podero) {
  instants arrived;
  std::int64_t since = 0;
  for (;;) {
    const auto page = podero.order("GET", "/requests?since=" + std::to_string(since) + "&limit=1000");
    const auto& log = page.at("requests").as_array();
    if (log.empty()) break;
    for (const auto& one : log) {
      since = one.at("number").to_number<std::int64_t>();
      if (one.at("operation").as_string() == "create")
        arrived.emplace_back(one.at("monotonic_ns").to_number<std::int64_t>());
    }
  }
  std::ranges::sort(arrived);
  return arrived;
}

std::size_t busiest(const instants& arrived, std::chrono::nanoseconds length) {
  std::size_t most = 0;
  for (std::size_t first = 0, end = 0; first < arrived.size(); ++first) {
    while (end < arrived.size() && arrived[end] < arrived[first] + length) ++end;
    most = std::max(most, end - first);
  }
  return most;
}

std::string body_for(int number) {
  auto id = std::to_string(number);
  id.insert(0, 12 - id.size(), '0');
  auto body = std::string{example_request};
  body.replace(body.find("070dd449a1a5"), 12, id);
  return body;
}

}  // namespace gateway::socket_tests
