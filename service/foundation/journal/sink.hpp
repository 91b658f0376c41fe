#pragma once

#include "foundation/journal/level.hpp"
#include "foundation/journal/output.hpp"

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::journal {

// Where a log's lines go. The log calls it from any thread, but never from two at a time.
class sink {
 public:
  virtual ~sink() = default;
  // One line with its line break at the end.
  virtual void write(level severity, std::string_view line) = 0;
};

// To a descriptor, shared with the access lines. The output outlives it.
class output_sink final : public sink {
 public:
  explicit output_sink(output& to) : to_{to} {}
  void write(level, std::string_view line) override { to_.post(line); }

 private:
  output& to_;
};

// Keeps the lines for tests to look at. Any thread.
class memory_sink final : public sink {
 public:
  void write(level, std::string_view line) override {
    const std::scoped_lock lock{mutex_};
    lines_.emplace_back(line.substr(0, line.size() - 1));
  }
  // Without their line breaks.
  std::vector<std::string> lines() const {
    const std::scoped_lock lock{mutex_};
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace gateway::journal
