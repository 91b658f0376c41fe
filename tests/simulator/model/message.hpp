#pragma once

#include "simulator/model/delivery.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace simulator {

// One instant on both clocks: the calendar for dates and expiry, the monotonic one for distances.
struct moment {
  std::chrono::system_clock::time_point wall;
  std::chrono::steady_clock::time_point steady;
};

using header_list = std::vector<std::pair<std::string, std::string>>;

// The first value of that name, compared without regard to case; null when there is none.
const std::string* find_header(const header_list& headers, std::string_view name) noexcept;

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept;

struct request {
  std::string method;
  std::string target;  // origin form, as received: "/path?query"
  header_list headers = {};
  std::string body = {};
  std::uint64_t connection = 0;         // the number of its connection, for the log of requests
  std::optional<moment> received = {};  // when its last byte arrived; left out: when it is handled
};

struct response {
  unsigned status = 200;
  header_list headers = {};  // without Content-Length, Transfer-Encoding and Connection: the wire script adds them
  std::string body = {};
  delivery how = {};  // what happens to the bytes on their way
};

}  // namespace simulator
