#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gateway::listener {

// Writes header lines where there is room enough for them. Appending each piece to a string costs three times as much:
// there every one asks for room, and a literal is a call instead of a few moves (3,400 instructions for the lines of
// two windows; callgrind).
class pen {
 public:
  explicit pen(char* at) noexcept : at_{at} {}

  void put(char c) noexcept { *at_++ = c; }
  // What is further on in the same memory may be brought nearer.
  void put(std::string_view text) noexcept {
    std::memmove(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put_number(std::uint64_t number) noexcept {
    if (number < 10)
      put(static_cast<char>('0' + number));  // as every other one is
    else
      at_ = std::to_chars(at_, at_ + longest_number, number).ptr;
  }
  char* end() const noexcept { return at_; }
  static constexpr std::size_t longest_number = 20;

 private:
  char* at_;
};

// Appends what `write` writes: at most so much.
template <std::invocable<pen&> Write>
void append(std::string& to, std::size_t room, const Write& write) {
  const auto before = to.size();
  to.resize_and_overwrite(before + room, [&](char* text, std::size_t) {
    pen writer{text + before};
    write(writer);
    return static_cast<std::size_t>(writer.end() - text);
  });
}

}  // namespace gateway::listener
