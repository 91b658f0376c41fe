#pragma once

#include "foundation/random/source.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gateway::trace {

// Whether a caller's X-Request-Id may be kept, logged and echoed as it is: 1 to 128 characters of [A-Za-z0-9._-]. Pure.
bool sane_request_id(std::string_view text) noexcept;

// The id of one request, held in place: no allocation, and no pointer into a buffer that moves. A copy has what the id
// has, and not all of the room: three cache lines, of which most ids need one.
class request_id {
 public:
  static constexpr std::size_t max_length = 128;

  request_id() = default;
  request_id(const request_id& other) noexcept { *this = other; }
  request_id& operator=(const request_id& other) noexcept {
    size_ = other.size_;
    made_here_ = other.made_here_;
    std::copy_n(other.text_.begin(), size_, text_.begin());
    return *this;
  }
  ~request_id() = default;

  std::string_view view() const noexcept { return {text_.data(), size_}; }
  // It is a version 4 UUID of our own, and no caller's.
  bool made_here() const noexcept { return made_here_; }

 private:
  friend request_id keep_or_make(std::string_view came, random::source& from);
  std::uint8_t size_ = 0;
  bool made_here_ = false;
  std::array<char, max_length> text_;  // NOLINT(cppcoreguidelines-pro-type-member-init): the first `size_` are written
};

// The caller's id if it is sane, else (also when there was none: an empty text) a version 4 UUID. Throws what the
// source throws.
request_id keep_or_make(std::string_view came, random::source& from);

}  // namespace gateway::trace
