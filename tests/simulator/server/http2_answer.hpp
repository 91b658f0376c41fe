#pragma once
// What an answer is over HTTP/2, without the connection: its fields, and its body piece by piece. Pure.

#include "simulator/model/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace simulator {

// With ":status" first.
header_list http2_fields(const response& answer);

class http2_body {
 public:
  http2_body() = default;
  http2_body(const response& answer, bool head_request);

  // The next bytes. 0: there are none, or none yet.
  std::size_t give(std::span<std::uint8_t> into) noexcept;
  bool at_end() const noexcept { return sent_ == length_; }
  // What comes at the end instead of the stream's proper end.
  std::optional<cut_kind> cut_at_end() const noexcept { return cut_; }

  // A slow body holds back what it was not yet told to let go.
  bool holds_back() const noexcept { return released_ < text_.size(); }
  void release(std::size_t bytes) noexcept { released_ += bytes; }

 private:
  std::string text_;          // spaces follow it up to the length
  std::uint64_t length_ = 0;  // that is sent, whatever was announced
  std::uint64_t sent_ = 0;
  std::uint64_t released_ = 0;
  std::optional<cut_kind> cut_;
};

}  // namespace simulator
