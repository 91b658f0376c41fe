#include "http2/request_head.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace gateway::http2 {
namespace {

// Names that have a number (RFC 7541, appendix A).
struct numbered {
  std::string_view name;
  std::uint8_t number;
};
constexpr std::array<numbered, 5> numbered_names{
    {{"accept", 19}, {"authorization", 23}, {"content-length", 28}, {"content-type", 31}, {"user-agent", 58}}};
constexpr std::uint8_t authority = 1;
constexpr std::uint8_t path = 4;

// What is of the connection has no meaning where there are streams (RFC 9113, section 8.2.2).
constexpr std::array<std::string_view, 5> of_the_connection{"connection", "keep-alive", "proxy-connection",
                                                            "transfer-encoding", "upgrade"};

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

// Names are sent in small letters.
void put_field(std::string& into, std::string_view name, std::string_view value) {
  const auto known = std::ranges::find(numbered_names, name, &numbered::name);
  if (known != numbered_names.end()) return put_field(into, known->number, value);
  into += byte(never_indexed);
  put_text(into, name);
  put_text(into, value);
}

constexpr std::size_t longest_name = 64;

bool put_line(std::string& into, std::string_view line) {
  const auto colon = line.find(':');
  if (colon == 0 || colon > longest_name || line.substr(colon).size() < 2 || line[colon + 1] != ' ') return false;
  std::array<char, longest_name> small;
  const auto end = std::transform(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), small.begin(),
                                  [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string_view name{small.begin(), end};
  if (name == "host" || std::ranges::find(of_the_connection, name) != of_the_connection.end()) return true;
  put_field(into, name, line.substr(colon + 2));
  return true;
}

}  // namespace

std::optional<request_parts> write_fields(std::string_view request, std::string& into) {
  const auto head = request.substr(0, request.find("\r\n\r\n"));
  if (head.size() == request.size()) return std::nullopt;
  auto line = head.substr(0, head.find('\r'));
  auto rest = head.substr(std::min(head.size(), line.size() + 2));
  constexpr std::string_view version = " HTTP/1.1";
  const auto method = line.substr(0, line.find(' '));
  if (!line.ends_with(version) || method.size() + 1 + version.size() >= line.size()) return std::nullopt;
  line.remove_prefix(method.size() + 1);
  line.remove_suffix(version.size());
  // The line of the host is the first: where the request goes stands before all other fields.
  constexpr std::string_view host = "Host: ";
  if (!rest.starts_with(host)) return std::nullopt;
  put_field(into, authority, rest.substr(host.size(), rest.find('\r') - host.size()));
  put_field(into, path, line);
  while (!rest.empty()) {
    const auto one = rest.substr(0, rest.find('\r'));
    if (!put_line(into, one)) return std::nullopt;
    rest.remove_prefix(std::min(rest.size(), one.size() + 2));
  }
  return request_parts{.method = method, .content = request.substr(head.size() + 4)};
}

}  // namespace gateway::http2
