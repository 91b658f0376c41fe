#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "foundation/time/clock.hpp"
#include "foundation/trace/trace.hpp"

namespace gateway::trace {

// A text of bounded length, held in place: what a span keeps of something that may be gone when it is exported. Longer
// ones are cut.
template <std::size_t Size>
class short_text {
 public:
  short_text() = default;
  explicit short_text(std::string_view from) noexcept : size_{static_cast<std::uint8_t>(std::min(from.size(), Size))} {
    std::copy_n(from.begin(), size_, text_.begin());
  }
  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  static_assert(Size < 256);
  std::array<char, Size> text_{};
  std::uint8_t size_ = 0;
};

// As OTLP numbers them.
enum class span_kind : std::uint8_t { internal = 1, server = 2, client = 3 };

// One finished span, of a fixed size. Views are of texts that are part of the program and never go away; what comes
// from a request or the configuration is copied.
struct span {
  context own;
  std::array<char, 16> parent{};
  bool has_parent = false;
  span_kind kind = span_kind::internal;
  time::instant began{};
  time::instant ended{};

  std::string_view name;     // of a stage; else empty, and method and route say it
  std::string_view method;   // "GET"; "_OTHER" for what is not known
  std::string_view route;    // its pattern
  unsigned status = 0;       // 0: there was none
  std::string_view problem;  // of what we answered
  std::string_view effect;
  std::string_view end;      // of an exchange without an answer, or a stage that led to nothing: "timed_out"
  unsigned resend = 0;       // of an exchange: how many were made before, for the same request
  bool caller_left = false;  // before there was an answer
  std::uint16_t port = 0;    // of the server, with its name
  short_text<64> account;
  short_text<64> caller;
  short_text<128> server;  // of an exchange: the name that was asked, as in the URL
  short_text<36> session;  // its id
  short_text<128> request_id;
};

}  // namespace gateway::trace
