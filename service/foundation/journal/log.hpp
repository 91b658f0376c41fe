#pragma once

#include "foundation/journal/level.hpp"
#include "foundation/journal/sink.hpp"
#include "foundation/time/clock.hpp"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace spdlog {
class logger;
}

namespace gateway::journal {

// What a member of an event may hold. Made from texts, integers, floating-point numbers and booleans without further
// ado, and from nothing else: a secret does not convert. It refers to the text it was made from. Made from a text that
// is not there, its member is left out of the line.
class value {
 public:
  using held = std::variant<std::string_view, std::int64_t, double, bool, std::monostate>;

  template <std::convertible_to<std::string_view> Text>
  value(const Text& text) : held_{std::string_view{text}} {}
  value(const std::optional<std::string_view>& text) : held_{std::monostate{}} {
    if (text) held_ = *text;
  }
  template <std::same_as<bool> Bool>
  value(Bool truth) : held_{truth} {}
  // What an int64 cannot hold becomes its greatest value.
  template <std::integral Integer>
    requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>)
  value(Integer number)
      : held_{std::in_range<std::int64_t>(number) ? static_cast<std::int64_t>(number)
                                                  : std::numeric_limits<std::int64_t>::max()} {}
  template <std::floating_point Number>
  value(Number number) : held_{static_cast<double>(number)} {}

  const held& get() const noexcept { return held_; }

 private:
  held held_;
};

// The name is a literal of the code, of [a-z0-9_], with its unit where it has one ("expires_in_s").
struct member {
  std::string_view name;
  journal::value value;
};

using members = std::initializer_list<member>;

// What happens, as structured lines:
//
//   log.info("token renewed", {{"account", name}, {"expires_in_s", 36000}});
//
// The message is a fixed text; what varies goes into members. Given by constructor to whoever has something to say.
// Every function may be called from any thread; a line that is below the level costs one comparison. Requests are not
// logged here but in access_log. Built on a spdlog logger of its own, outside spdlog's global registry.
class log {
 public:
  struct options {
    level threshold = level::info;
    format style = format::json;
  };

  // Sink and clock outlive the log.
  log(sink& to, const time::clock& clock, options how);
  ~log();
  log(const log&) = delete;
  log& operator=(const log&) = delete;

  void debug(std::string_view message, members with = {}) { write(level::debug, message, with); }
  void info(std::string_view message, members with = {}) { write(level::info, message, with); }
  void warn(std::string_view message, members with = {}) { write(level::warning, message, with); }
  void error(std::string_view message, members with = {}) { write(level::error, message, with); }
  void write(level severity, std::string_view message, members with = {});

  // The lowest level that is written; may be changed while others log.
  void set_threshold(level threshold) noexcept;
  level threshold() const noexcept;
  bool enabled(level severity) const noexcept { return severity >= threshold(); }

 private:
  const time::clock& clock_;
  const format style_;
  const std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace gateway::journal
