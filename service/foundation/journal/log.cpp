#include "foundation/journal/log.hpp"

#include "foundation/journal/record_writer.hpp"
#include "foundation/journal/timestamp.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <mutex>
#include <string>

namespace gateway::journal {
namespace {

spdlog::level::level_enum to_spdlog(level value) noexcept {
  switch (value) {
    case level::debug:
      return spdlog::level::debug;
    case level::info:
      return spdlog::level::info;
    case level::warning:
      return spdlog::level::warn;
    case level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

level from_spdlog(spdlog::level::level_enum value) noexcept {
  if (value <= spdlog::level::debug) return level::debug;
  if (value == spdlog::level::info) return level::info;
  return value == spdlog::level::warn ? level::warning : level::error;
}

// The line is complete when spdlog gets it; its own formatting is left out.
class adapter final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit adapter(journal::sink& to) : to_{to} {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    to_.write(from_spdlog(message.level), {message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  journal::sink& to_;
};

std::size_t bound(std::string_view message, members with) noexcept {
  std::size_t out = 128 + quoted_bound(message.size());  // time, level, brackets
  for (const member& one : with) {
    const auto* const text = std::get_if<std::string_view>(&one.value.get());
    out += one.name.size() + 4 + (text ? quoted_bound(text->size()) : 32);
  }
  return out;
}

struct write_member {
  record_writer& to;
  std::string_view name;
  void operator()(std::string_view text) const { to.text(name, text); }
  void operator()(std::int64_t number) const { to.number(name, number); }
  void operator()(double number) const { to.number(name, number); }
  void operator()(bool truth) const { to.boolean(name, truth); }
  void operator()(std::monostate) const {}
};

}  // namespace

log::log(sink& to, const time::clock& clock, options how)
    : clock_{clock},
      style_{how.style},
      logger_{std::make_unique<spdlog::logger>("journal", std::make_shared<adapter>(to))} {
  set_threshold(how.threshold);
}

log::~log() = default;

void log::write(level severity, std::string_view message, members with) {
  if (!enabled(severity)) return;
  timestamp stamp;
  std::string line;
  line.resize_and_overwrite(bound(message, with), [&](char* into, std::size_t size) {
    line_writer writer{{into, size}};
    record_writer record{writer, style_, stamp.of(clock_.wall_now()), severity, message};
    for (const member& one : with) std::visit(write_member{record, one.name}, one.value.get());
    record.end();
    return writer.size();
  });
  logger_->log(to_spdlog(severity), spdlog::string_view_t{line.data(), line.size()});
}

void log::set_threshold(level threshold) noexcept {
  logger_->set_level(to_spdlog(threshold));
}

level log::threshold() const noexcept {
  return from_spdlog(logger_->level());
}

}  // namespace gateway::journal
