#pragma once

#include "foundation/random/source.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway::trace {

// Where a request stands in a trace, as W3C Trace Context says (https://www.w3.org/TR/trace-context/, section 3.2).
struct context {
  std::array<char, 32> trace_id{};  // lower-case hexadecimal, not all zeros
  std::array<char, 16> span_id{};   // the sender's span: "parent-id"
  bool sampled = false;

  bool none() const noexcept { return trace_id[0] == '\0'; }
  std::string_view trace() const noexcept { return {trace_id.data(), none() ? 0 : trace_id.size()}; }
  std::string_view span() const noexcept { return {span_id.data(), span_id.size()}; }
  friend bool operator==(const context&, const context&) = default;
};

// A traceparent header's value, surrounding blanks already removed. Nothing, if the header must be treated as absent:
// upper-case digits, a version of ff, an id of zeros, version 00 with anything after the flags, or a later version
// whose known part is not followed by its end or a dash (section 3.2.2.3 and 4.3: later versions are read as far as we
// know them). Several traceparent headers count as none; that is the caller's to see. Pure.
std::optional<context> parse_traceparent(std::string_view value) noexcept;

// The same trace, a span of our own: what goes upstream, so that the two sides' spans are told apart. Throws what the
// source throws.
context child(const context& of, random::source& from);

// A new trace, not sampled, for a request that came without one.
context start(random::source& from);

// What came with the request, or a new trace.
context continue_or_start(std::string_view traceparent, random::source& from);

// The header's value, always of version 00 and with no flag but "sampled" (section 3.2.2.5.1). No terminating zero.
using traceparent_text = std::array<char, 55>;
traceparent_text render(const context& what) noexcept;

}  // namespace gateway::trace
