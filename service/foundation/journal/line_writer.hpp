#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace gateway::journal {

// Writes into memory that somebody else holds, never past its end, and never allocates. What does not fit is not
// written, and full() says so.
class line_writer {
 public:
  explicit line_writer(std::span<char> into) noexcept : begin_{into.data()}, at_{begin_}, end_{begin_ + into.size()} {}

  void put(char c) noexcept {
    if (at_ == end_) {
      full_ = true;
      return;
    }
    *at_++ = c;
  }
  void put(std::string_view text) noexcept {
    if (text.size() > room()) {
      full_ = true;
      return;
    }
    if (text.empty()) return;  // memcpy wants pointers even then
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }

  // ,"name": in one piece, since a line has a dozen of them.
  [[gnu::always_inline]] void json_name(std::string_view name) noexcept {
    if (name.size() + 4 > room()) {
      full_ = true;
      return;
    }
    char* to = at_;  // a char may lie anywhere, also in at_, for all that the compiler knows
    *to++ = ',';
    *to++ = '"';
    std::memcpy(to, name.data(), name.size());
    to += name.size();
    *to++ = '"';
    *to++ = ':';
    at_ = to;
  }

  void number(std::int64_t value) noexcept;
  // The shortest text that reads back as the same number; "null" for what JSON cannot hold (infinities, NaN).
  void number(double value) noexcept;
  // Nanoseconds as milliseconds with three decimals, in integer arithmetic: 12.345. Rounds down; below zero is zero.
  void milliseconds(std::int64_t nanoseconds) noexcept;

  // A JSON string with its quotes (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD, so the line stays JSON
  // whatever came in; control characters are escaped, so it stays one line.
  void quoted(std::string_view text) noexcept;
  // As it is if a reader of "name=value" pairs cannot misunderstand it, else quoted.
  void plain_or_quoted(std::string_view text) noexcept;

  std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  bool full() const noexcept { return full_; }

 private:
  std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  void escaped(std::string_view text) noexcept;

  char* begin_;
  char* at_;
  char* end_;
  bool full_ = false;
};

// The most bytes that quoted() writes for a text of that size: every byte may become a \u escape.
constexpr std::size_t quoted_bound(std::size_t size) noexcept {
  return 6 * size + 2;
}

}  // namespace gateway::journal
