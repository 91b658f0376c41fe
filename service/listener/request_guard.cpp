#include "listener/request_guard.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "foundation/http/grammar.hpp"
#include "listener/request_target.hpp"

namespace gateway::listener {
namespace {

using errors::failure;
using errors::problem;

constexpr std::size_t longest_method = 32;
constexpr std::size_t longest_around_target = longest_method + sizeof "  HTTP/1.1\r" - 1;

failure malformed(std::string detail) {
  return failure_of(problem::malformed_request, std::move(detail));
}

failure too_long_a_target(const guard_limits& limits) {
  return failure_of(problem::uri_too_long,
                    "The request target has more than " + std::to_string(limits.target) + " bytes.");
}

failure too_large_a_head(const guard_limits& limits) {
  return failure_of(problem::headers_too_large, "The header has more than " + std::to_string(limits.head) + " bytes.");
}

// What the framing of the message depends on, and whom it is for.
struct framing_lines {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned encodings = 0;
  bool http_1_0 = false;

  std::optional<failure> note(std::string_view name, std::string_view value) {
    const auto is = [&](std::string_view which) {
      return name.size() == which.size() && boost::beast::iequals(name, which);
    };
    if (is("Host")) {
      ++hosts;
      if (!value.empty() && !is_host_and_port(value)) return malformed("The Host header is no host, or more than one.");
    } else if (is("Content-Length")) {
      ++lengths;
      const bool digits = !value.empty() && value.size() <= 18 &&
                          std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
      if (!digits) return malformed("Content-Length is not a number of bytes.");
    } else if (is("Transfer-Encoding")) {
      ++encodings;
      if (!boost::beast::iequals(value, "chunked"))
        return malformed("The only Transfer-Encoding understood is chunked.");
    }
    return std::nullopt;
  }

  std::optional<failure> conclude() const {
    if (hosts > 1) return malformed("There is more than one Host header.");
    if (hosts == 0 && !http_1_0) return malformed("There is no Host header.");
    if (lengths > 1) return malformed("There is more than one Content-Length header.");
    if (encodings > 1) return malformed("There is more than one Transfer-Encoding header.");
    if (encodings == 1 && lengths == 1) return malformed("Content-Length and Transfer-Encoding exclude each other.");
    if (encodings == 1 && http_1_0) return malformed("HTTP/1.0 has no Transfer-Encoding.");
    return std::nullopt;
  }
};

std::optional<failure> inspect_request_line(std::string_view line, const guard_limits& limits, framing_lines& framing) {
  const auto method_end = line.find(' ');
  const auto target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end == method_end)
    return malformed("The first line is not METHOD TARGET HTTP/1.1.");
  const auto method = line.substr(0, method_end);
  const auto target = line.substr(method_end + 1, target_end - method_end - 1);
  const auto version = line.substr(target_end + 1);
  if (!http::is_token(method) || method.size() > longest_method)
    return malformed("The method is longer than any, or has characters that no method has.");
  if (target.size() > limits.target) return too_long_a_target(limits);
  bool visible = !target.empty();
  for (const char c : target) visible &= c > ' ' && c < 127;
  if (!visible) return malformed("The request target has characters that must be percent-encoded.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return malformed("The version is neither HTTP/1.1 nor HTTP/1.0.");
  if (const auto fault = target_fault(method, target); !fault.empty()) return malformed(std::string{fault});
  framing.http_1_0 = version == "HTTP/1.0";
  return std::nullopt;
}

std::optional<failure> inspect_field_line(std::string_view line, framing_lines& framing) {
  if (http::is_blank(line.front())) return malformed("A header line is folded.");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("A header line has no colon.");
  const auto name = line.substr(0, colon);
  const auto value = http::trimmed(line.substr(colon + 1));
  if (!http::is_token(name)) return malformed("A header's name has characters that no name has.");
  if (!http::is_field_value(value))
    return malformed("The value of header " + std::string{name} + " has control characters.");
  return framing.note(name, value);
}

// Whether a line can still become one: no control character but a CR with its LF, of which the last may be on its way.
// Without what stands before `from`, but for a CR there that had nothing behind it yet.
bool are_lines(std::string_view bytes, std::size_t from) noexcept {
  for (auto i = from == 0 ? 0 : from - 1; i < bytes.size(); ++i) {
    if (!http::is_control(bytes[i])) continue;
    const bool begins = bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] == '\n');
    const bool ends = bytes[i] == '\n' && i != 0 && bytes[i - 1] == '\r';
    if (!begins && !ends) return false;
  }
  return true;
}

}  // namespace

std::optional<failure> inspect_head(std::string_view head, const guard_limits& limits) {
  if (head.size() > limits.head) return too_large_a_head(limits);
  framing_lines framing;
  bool first = true;
  for (std::size_t begin = 0; begin + 2 < head.size();) {
    const auto end = head.find("\r\n", begin);
    const auto line = head.substr(begin, end - begin);
    auto fault = first ? inspect_request_line(line, limits, framing) : inspect_field_line(line, framing);
    if (fault) return fault;
    first = false;
    begin = end + 2;
  }
  return framing.conclude();
}

std::optional<failure> inspect_beginning(std::string_view bytes, const guard_limits& limits, std::size_t searched) {
  const auto method = bytes.substr(0, std::min(bytes.find(' '), bytes.size()));
  if (!method.empty() && (!http::is_token(method) || method.size() > longest_method))
    return malformed("These bytes are not an HTTP request.");
  if (!are_lines(bytes, searched)) return malformed("There are control characters, or line ends that are not CR LF.");
  const auto line_end = bytes.find("\r\n");
  if (line_end == std::string_view::npos && bytes.size() > limits.target + longest_around_target)
    return too_long_a_target(limits);
  if (line_end != std::string_view::npos && line_end + 2 > searched) {
    framing_lines unused;
    if (auto fault = inspect_request_line(bytes.substr(0, line_end), limits, unused)) return fault;
  }
  if (bytes.size() > limits.head) return too_large_a_head(limits);
  return std::nullopt;
}

std::optional<std::string_view> find_field(std::string_view bytes, std::string_view name) noexcept {
  for (auto before = bytes.find("\r\n"); before != std::string_view::npos;) {
    const auto begin = before + 2;
    const auto end = bytes.find("\r\n", begin);
    if (end == begin || end == std::string_view::npos) break;
    const auto line = bytes.substr(begin, end - begin);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        boost::beast::iequals(line.substr(0, name.size()), name))
      return http::trimmed(line.substr(name.size() + 1));
    before = end;
  }
  return std::nullopt;
}

}  // namespace gateway::listener
