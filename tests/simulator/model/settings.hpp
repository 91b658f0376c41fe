#pragma once

#include "simulator/model/calendar.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace simulator {

enum class token_encoding : std::uint8_t { json, form, either };

inline constexpr std::string_view example_client_id = "example-client-id";
inline constexpr std::string_view example_client_secret = "example-secret-not-real";

// How this Podero behaves; what a command line can say of it.
struct settings {
  std::string client_id{example_client_id};
  std::string client_secret{example_client_secret};
  token_encoding encoding = token_encoding::json;
  std::chrono::seconds token_lifetime{36000};
  std::string public_url = "https://localhost";   // what authentication_url begins with; no slash at the end
  bool known_users_only = false;                  // creations for other users are refused with 404
  std::vector<std::string> known_users = {};      // besides those created through the API
  std::vector<rate> creation_limits = {};         // beyond them: 429 with Retry-After
  std::vector<rate> request_limits = {};          // the same over everything below /api
  std::chrono::milliseconds idle_timeout{75000};  // after which an idle connection is closed without a word
  std::uint64_t max_requests_per_connection = 0;  // 0: no end; the last answer says Connection: close
  bool http2 = false;                             // to clients that offer it
  std::uint32_t http2_streams = 128;              // that one connection may have open at once
  std::size_t log_capacity = 65536;               // requests remembered for GET /requests of the control endpoint
  std::size_t session_capacity = 200000;          // sessions remembered; the oldest is forgotten first
};

}  // namespace simulator
