#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "app/control_answer.hpp"
#include "app/control_server.hpp"
#include "app/reloader.hpp"
#include "app/service.hpp"
#include "foundation/journal/level.hpp"

namespace gateway::app {

// What an operator tells the running process. On the wire: one JSON object a line, {"command": "pause", "account":
// "sandbox", "for_ms": 600000}, answered by {"done": true, "text": "..."}; the text is for people.
struct control_order {
  std::string command{};
  std::string account{};
  std::string what{};  // the slot, the level
  std::chrono::milliseconds how_long{std::chrono::minutes{10}};
};

// From words as they stand on the command line, without the options. The error says how it is written.
std::expected<control_order, std::string> read_order(const std::vector<std::string>& words);
bool is_control_command(std::string_view word) noexcept;
std::string to_line(const control_order& order);

// The error: it is no answer.
std::expected<control_answer, std::string> read_control_answer(std::string_view line);

journal::level level_of(settings::log_level from) noexcept;

// Carries orders out, and logs each with who gave it. Any thread, one at a time.
class control {
 public:
  struct parts {
    service& on;
    const reloader& configuration;
    journal::log& log;
    std::string version;
  };
  explicit control(parts given) : parts_{std::move(given)} {}

  std::string obey(std::string_view line, const control_peer& who);

 private:
  control_answer obey(const control_order& order);
  control_answer status() const;

  parts parts_;
};

}  // namespace gateway::app
