#pragma once
// What anybody may send, as literals: what it is answered and whether its connection lives on.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "flow/podero_world.hpp"

namespace gateway::flow::hostile {

using namespace std::string_literals;

enum class after : std::uint8_t { lives, closed };
using enum after;

struct row {
  std::string what;
  std::string bytes;
  unsigned status;
  std::string problem;
  hostile::after after;
  std::chrono::milliseconds wait{0};  // until there is an answer
};
using rows = std::vector<row>;

inline constexpr std::string_view key = "example-key-not-real";
inline const std::string authorization = "Authorization: Bearer " + std::string{key} + "\r\n";
inline const std::string json_type = "Content-Type: application/json\r\n";
inline const std::string sessions_path = "/v1/accounts/sandbox/onboarding-sessions";

// The first line and the headers that every good request has; what must still come is the empty line.
inline std::string start(std::string_view method, std::string_view target) {
  return std::string{method} + " " + std::string{target} + " HTTP/1.1\r\nHost: gateway.example\r\n" + authorization;
}
inline std::string ask(std::string_view method, std::string_view target, std::string_view more = "") {
  return start(method, target) + std::string{more} + "\r\n";
}
inline std::string get(std::string_view target, std::string_view more = "") {
  return ask("GET", target, more);
}
// A creation up to its body; `more` are header lines.
inline std::string creation(std::string_view more) {
  return start("POST", sessions_path) + json_type + std::string{more} + "\r\n";
}
inline std::string length_of(std::string_view body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n";
}
inline std::string post(std::string_view body, std::string_view more = "") {
  return creation(length_of(body) + std::string{more}) + std::string{body};
}
inline std::string chunked(std::string_view body) {
  return creation("Transfer-Encoding: chunked\r\n") + std::string{body};
}
// The documented body with one text in the place of another.
inline std::string example_with(std::string_view from, std::string_view to) {
  std::string body{example_body};
  return body.replace(body.find(from), from.size(), to);
}

rows framing();
rows chunks();
rows first_lines();
rows targets();
rows headers();
rows preconditions();
rows documents();
rows redirects();
rows stalls();

}  // namespace gateway::flow::hostile
