#pragma once

#include "foundation/journal/level.hpp"
#include "foundation/journal/line_writer.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway::journal {

// One line of either format, member by member, for events and access lines alike. Member names are literals of the code
// ([a-z_]) and are written as they are. Allocates nothing.
class record_writer {
 public:
  // Starts the line with time, level and message.
  record_writer(line_writer& to, format style, std::string_view time, level severity,
                std::string_view message) noexcept;

  void text(std::string_view name, std::string_view value) noexcept;
  void number(std::string_view name, std::int64_t value) noexcept;
  void number(std::string_view name, double value) noexcept;
  void boolean(std::string_view name, bool value) noexcept;
  // In milliseconds with three decimals.
  void milliseconds(std::string_view name, std::chrono::nanoseconds value) noexcept;

  // Ends the line with a line break. Nothing may follow.
  void end() noexcept;

 private:
  void start_member(std::string_view name) noexcept;

  line_writer& to_;
  format style_;
};

}  // namespace gateway::journal
