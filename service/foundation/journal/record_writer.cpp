#include "foundation/journal/record_writer.hpp"

#include <algorithm>

namespace gateway::journal {
namespace {

// Of equal width, so that messages stand below each other.
std::string_view label_of(level severity) noexcept {
  switch (severity) {
    case level::debug:
      return " DEBUG ";
    case level::info:
      return " INFO  ";
    case level::warning:
      return " WARN  ";
    case level::error:
      return " ERROR ";
  }
  return " ERROR ";
}

// For people a message stands without quotes, unless something in it could pass for another line or confuse a terminal.
bool printable(std::string_view message) noexcept {
  return std::ranges::all_of(message, [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

record_writer::record_writer(line_writer& to, format style, std::string_view time, level severity,
                             std::string_view message) noexcept
    : to_{to}, style_{style} {
  if (style_ == format::text) {
    to_.put(time);
    to_.put(label_of(severity));
    printable(message) ? to_.put(message) : to_.quoted(message);
    return;
  }
  to_.put("{\"time\":\"");
  to_.put(time);
  to_.put("\",\"level\":\"");
  to_.put(to_string(severity));
  to_.put("\",\"msg\":");
  to_.quoted(message);
}

void record_writer::start_text_member(std::string_view name) noexcept {
  to_.put(' ');
  to_.put(name);
  to_.put('=');
}

}  // namespace gateway::journal
