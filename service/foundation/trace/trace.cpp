#include "foundation/trace/trace.hpp"

#include "foundation/random/uuid.hpp"

#include <algorithm>
#include <span>

namespace gateway::trace {
namespace {

// "00-" 32 "-" 16 "-" 2
constexpr std::size_t trace_at = 3;
constexpr std::size_t span_at = 36;
constexpr std::size_t flags_at = 53;
constexpr std::size_t known_length = 55;

constexpr bool hex_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}
constexpr int hex_value(char c) noexcept {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}
bool all_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, hex_digit);
}
bool all_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

bool well_formed(std::string_view value) noexcept {
  if (value.size() < known_length) return false;
  const auto version = value.substr(0, 2);
  if (!all_hex(version) || version == "ff") return false;
  if (value.size() > known_length && (version == "00" || value[known_length] != '-')) return false;
  if (value[2] != '-' || value[span_at - 1] != '-' || value[flags_at - 1] != '-') return false;
  return all_hex(value.substr(trace_at, 32)) && all_hex(value.substr(span_at, 16)) &&
         all_hex(value.substr(flags_at, 2));
}

// An id of zeros means none, so such a draw (it will never be seen) is repeated.
bool none(std::span<const std::byte> id) noexcept {
  return std::ranges::all_of(id, [](std::byte b) { return b == std::byte{}; });
}

}  // namespace

std::optional<context> parse_traceparent(std::string_view value) noexcept {
  if (!well_formed(value)) return std::nullopt;
  context out;
  std::ranges::copy(value.substr(trace_at, 32), out.trace_id.begin());
  std::ranges::copy(value.substr(span_at, 16), out.span_id.begin());
  out.sampled = (hex_value(value[flags_at + 1]) & 1) != 0;
  if (all_zero(out.trace()) || all_zero(out.span())) return std::nullopt;
  return out;
}

context child(const context& of, random::source& from) {
  std::array<std::byte, 8> bytes{};
  do from.fill(bytes);
  while (none(bytes));
  context out = of;
  random::write_hex(bytes, out.span_id.data());
  return out;
}

context start(random::source& from) {
  std::array<std::byte, 16 + 8> bytes{};  // both ids in one draw
  const std::span trace_bytes{std::span{bytes}.first<16>()};
  const std::span span_bytes{std::span{bytes}.last<8>()};
  do from.fill(bytes);
  while (none(trace_bytes) || none(span_bytes));
  context out;
  random::write_hex(trace_bytes, out.trace_id.data());
  random::write_hex(span_bytes, out.span_id.data());
  return out;
}

context continue_or_start(std::string_view traceparent, random::source& from) {
  if (const auto came = parse_traceparent(traceparent)) return *came;
  return start(from);
}

traceparent_text render(const context& what) noexcept {
  traceparent_text out{};
  out.fill('-');
  out[0] = out[1] = '0';
  std::ranges::copy(what.trace_id, out.begin() + trace_at);
  std::ranges::copy(what.span_id, out.begin() + span_at);
  out[flags_at] = '0';
  out[flags_at + 1] = what.sampled ? '1' : '0';
  return out;
}

}  // namespace gateway::trace
