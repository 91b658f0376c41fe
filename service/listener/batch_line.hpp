#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "foundation/errors/problem.hpp"
#include "foundation/json/scanner.hpp"

namespace gateway::listener {

// One line of a batch: {"idempotency_key": "...", "body": {...}}.
struct batch_line {
  std::optional<std::string> key{};  // 1 to 255 printable ASCII characters
  std::string_view body{};           // the bytes of the value, as they were sent
};

// What a line says. Refuses what the same creation alone would be refused for, and members that a line does not have:
// who misspells the key must not lose it unnoticed. What is inside the body is checked with the body.
std::expected<batch_line, errors::failure> read_batch_line(std::string_view line, bool needs_key,
                                                           json::scanner& scanner);

// Takes lines off what comes in, piece by piece; keeps no more of a line than `longest`, which its end does not count
// for. Lines end with LF or CRLF, the last one with the stream, too.
class line_splitter {
 public:
  explicit line_splitter(std::size_t longest) noexcept : longest_{longest} {}

  struct piece {
    enum class is : std::uint8_t { line, too_long, nothing } what = is::nothing;
    std::size_t number = 0;  // from 1; empty lines count
    std::string text{};
  };

  // Where bytes are appended, as they come.
  std::string& input() noexcept { return input_; }
  // No more will come.
  void end() noexcept { ended_ = true; }
  // The next line that is not empty. Nothing: more bytes are needed, or there are none.
  piece next();
  // There is a line in hand, whole or longer than it may be, or the end is there.
  bool has_line() noexcept;
  bool done() const noexcept { return ended_ && at_ == input_.size(); }

 private:
  // Of the line that is next, if it stops there; a CR before may belong to its end.
  std::size_t length_to(std::size_t stop) const noexcept;

  std::size_t longest_;
  std::string input_;
  std::size_t at_ = 0;        // what is before it was taken
  std::size_t searched_ = 0;  // no line ends before it
  std::size_t number_ = 0;
  bool skipping_ = false;  // the rest of a line that was too long
  bool ended_ = false;
};

}  // namespace gateway::listener
