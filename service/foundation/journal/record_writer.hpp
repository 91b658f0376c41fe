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

  // Members are written where they are named, whatever the compiler thinks of it: there the name is a constant, and a
  // few moves instead of a copy (a third of an access line's instructions; callgrind).
  [[gnu::always_inline]] void text(std::string_view name, std::string_view value) noexcept {
    start_member(name);
    style_ == format::text ? to_.plain_or_quoted(value) : to_.quoted(value);
  }
  [[gnu::always_inline]] void number(std::string_view name, std::int64_t value) noexcept {
    start_member(name);
    to_.number(value);
  }
  void number(std::string_view name, double value) noexcept {
    start_member(name);
    to_.number(value);
  }
  [[gnu::always_inline]] void boolean(std::string_view name, bool value) noexcept {
    start_member(name);
    value ? to_.put("true") : to_.put("false");
  }
  // In milliseconds with three decimals.
  [[gnu::always_inline]] void milliseconds(std::string_view name, std::chrono::nanoseconds value) noexcept {
    start_member(name);
    to_.milliseconds(value.count());
  }

  // Ends the line with a line break. Nothing may follow.
  void end() noexcept { style_ == format::text ? to_.put('\n') : to_.put("}\n"); }

 private:
  [[gnu::always_inline]] void start_member(std::string_view name) noexcept {
    style_ == format::text ? start_text_member(name) : to_.json_name(name);
  }
  void start_text_member(std::string_view name) noexcept;

  line_writer& to_;
  format style_;
};

}  // namespace gateway::journal
