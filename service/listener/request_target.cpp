#include "listener/request_target.hpp"

#include <boost/asio/ip/address_v6.hpp>
#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>

#include "foundation/http/grammar.hpp"

namespace gateway::listener {
namespace {

using http::hex_value;

using http::all_in;
using http::alphanumeric_and;
using http::in;

constexpr auto unreserved = alphanumeric_and("-._~");                           // RFC 3986 section 2.3
constexpr auto of_a_path = alphanumeric_and("-._~!$&'()*+,;=:@/%");             // pchar, "/"
constexpr auto of_a_query = alphanumeric_and("-._~!$&'()*+,;=:@/%?[]{}|\\^`");  // what browsers do not escape, too

// The character at a percent sign; -1: two hex digits do not follow.
int escaped(std::string_view text, std::size_t at) noexcept {
  if (at + 2 >= text.size()) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool are_escapes_sane(std::string_view text) noexcept {
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    const int c = escaped(text, at);
    if (c < 0x20 || c == 0x7f) return false;
  }
  return true;
}

bool is_port(std::string_view digits) noexcept {
  unsigned value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return true;
}

bool is_ipv6(std::string_view text) noexcept {
  constexpr std::size_t longest = 45;
  if (text.size() > longest ||
      !std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; }))
    return false;
  boost::system::error_code error;
  boost::asio::ip::make_address_v6(text, error);
  return !error;
}

// What an absolute target has before "host"; empty: it is none.
std::string_view web_scheme_of(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"})
    if (boost::beast::iequals(target.substr(0, scheme.size()), scheme)) return target.substr(0, scheme.size());
  return {};
}

struct two_parts {
  std::string_view first;
  std::string_view rest;
};
two_parts split_at_any(std::string_view text, std::string_view characters) noexcept {
  const auto at = std::min(text.find_first_of(characters), text.size());
  return {text.substr(0, at), text.substr(at)};
}

}  // namespace

bool is_host_and_port(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
    text.remove_prefix(end + 1);
    return text.empty() || (text.front() == ':' && is_port(text.substr(1)));
  }
  const auto colon = std::min(text.find(':'), text.size());
  const auto name = text.substr(0, colon);
  return !name.empty() && all_in(unreserved, name) && is_port(text.substr(std::min(colon + 1, text.size())));
}

std::string_view target_fault(std::string_view method, std::string_view target) noexcept {
  constexpr std::string_view bad_path = "The path of the request target has characters that must be percent-encoded.";
  if (method == "CONNECT") {
    const bool good = target.find(':') != std::string_view::npos && is_host_and_port(target);
    return good ? "" : "The target of CONNECT is not host:port.";
  }
  if (target == "*") return method == "OPTIONS" ? "" : "The target * goes with OPTIONS only.";
  auto rest = target;
  if (!rest.starts_with('/')) {
    const auto scheme = web_scheme_of(rest);
    if (scheme.empty()) return "The request target begins neither with / nor with http://.";
    const auto [authority, behind] = split_at_any(rest.substr(scheme.size()), "/?");
    if (!is_host_and_port(authority)) return "The request target names no host, or more than host and port.";
    rest = behind;
  }
  const auto [path, query] = split_at_any(rest, "?");
  if (!all_in(of_a_path, path)) return bad_path;
  if (!all_in(of_a_query, query)) return "The query has characters that must be percent-encoded.";
  if (!are_escapes_sane(path) || !are_escapes_sane(query))
    return "The request target has a percent sign without two hex digits, or an escaped control character.";
  return {};
}

std::string_view path_of(std::string_view target, std::string& memory) {
  if (const auto scheme = web_scheme_of(target); !scheme.empty()) {
    target = split_at_any(target.substr(scheme.size()), "/?").rest;
    if (!target.starts_with('/')) return "/";
  }
  const auto path = target.substr(0, target.find('?'));
  if (path.find('%') == std::string_view::npos) return path;
  memory.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int c = path[i] == '%' ? escaped(path, i) : -1;
    const bool plain = c >= 0 && in(unreserved, static_cast<char>(c));
    memory += plain ? static_cast<char>(c) : path[i];
    if (plain) i += 2;
  }
  return memory;
}

}  // namespace gateway::listener
