#include "http2/request_head.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gateway::http2 {
namespace {

// Names that have a number (RFC 7541, appendix A), as our requests write them.
struct numbered {
  std::string_view name;
  std::uint8_t number;
};
constexpr std::array<numbered, 5> numbered_names{
    {{"User-Agent", 58}, {"Accept", 19}, {"Content-Type", 31}, {"Authorization", 23}, {"Content-Length", 28}}};
constexpr std::uint8_t authority = 1;
constexpr std::uint8_t path = 4;

// What is of the connection has no meaning where there are streams (RFC 9113, section 8.2.2).
constexpr std::array<std::string_view, 6> of_the_connection{
    "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"};

constexpr char byte(std::size_t value) noexcept {
  return static_cast<char>(static_cast<std::uint8_t>(value));
}

// A number with a prefix of so many bits, below `flags` (RFC 7541, section 5.1).
void put_number(std::string& into, std::size_t number, unsigned prefix, std::uint8_t flags) {
  const std::size_t largest = (std::size_t{1} << prefix) - 1;
  if (number < largest) {
    into += byte(flags | number);
    return;
  }
  into += byte(flags | largest);
  for (number -= largest; number >= 128; number >>= 7) into += byte(128 | (number & 127));
  into += byte(number);
}

void put_text(std::string& into, std::string_view text) {
  put_number(into, text.size(), 7, 0);
  into += text;
}

constexpr std::uint8_t never_indexed = 0x10;

void put_field(std::string& into, std::uint8_t name, std::string_view value) {
  put_number(into, name, 4, never_indexed);
  put_text(into, value);
}

constexpr std::size_t longest_name = 64;

// Names are sent in small letters.
bool put_other(std::string& into, std::string_view written, std::string_view value) {
  std::array<char, longest_name> small;
  const auto end = std::ranges::transform(written, small.begin(), [](char c) {
                     return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
                   }).out;
  const std::string_view name{small.begin(), end};
  if (std::ranges::find(of_the_connection, name) != of_the_connection.end()) return true;
  into += byte(never_indexed);
  put_text(into, name);
  put_text(into, value);
  return true;
}

bool put_line(std::string& into, std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon > longest_name || line.size() < colon + 2 || line[colon + 1] != ' ') return false;
  const auto name = line.substr(0, colon);
  const auto value = line.substr(colon + 2);
  const auto known = std::ranges::find(numbered_names, name, &numbered::name);
  if (known == numbered_names.end()) return put_other(into, name, value);
  put_field(into, known->number, value);
  return true;
}

// The next line without its end, taken off. Where it breaks off nothing is left.
std::string_view take_line(std::string_view& rest) noexcept {
  const auto end = rest.find('\r');
  const auto line = rest.substr(0, end);
  rest = end == std::string_view::npos || end + 2 > rest.size() || rest[end + 1] != '\n' ? std::string_view{}
                                                                                         : rest.substr(end + 2);
  return line;
}

}  // namespace

std::optional<request_parts> write_fields(std::string_view request, std::string& into) {
  constexpr std::string_view version = " HTTP/1.1";
  auto rest = request;
  auto line = take_line(rest);
  const auto method = line.substr(0, line.find(' '));
  if (!line.ends_with(version) || method.size() + 1 + version.size() >= line.size()) return std::nullopt;
  line.remove_prefix(method.size() + 1);
  line.remove_suffix(version.size());
  // The line of the host is the first: where the request goes stands before all other fields.
  constexpr std::string_view host = "Host: ";
  const auto first = take_line(rest);
  if (!first.starts_with(host)) return std::nullopt;
  into.reserve(request.size());
  put_field(into, authority, first.substr(host.size()));
  put_field(into, path, line);
  constexpr std::string_view end = "\r\n";
  while (!rest.starts_with(end))
    if (!put_line(into, take_line(rest))) return std::nullopt;
  return request_parts{.method = method, .content = rest.substr(end.size())};
}

}  // namespace gateway::http2
