// URLs, and the pairs of `resolve`.
#include "settings/fault.hpp"
#include "settings/scalars.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace gateway::settings {
namespace {

std::unexpected<std::string> no(std::string_view text, std::string_view what) {
  return std::unexpected(in_quotes(text) + " " + std::string{what});
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

struct host_and_port {
  std::string_view host;
  std::string_view port;  // empty: none
  bool has_port = false;
};

// Splits at the last colon, unless it belongs to a bare IPv6 address.
host_and_port split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return {text, {}, false};
    const auto host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    if (rest.empty()) return {host, {}, false};
    if (!rest.starts_with(':')) return {text, {}, false};
    return {host, rest.substr(1), true};
  }
  if (std::ranges::count(text, ':') != 1) return {text, {}, false};
  const auto colon = text.find(':');
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

parsed<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_whole_number(text);
  if (!number || *number == 0 || *number > std::numeric_limits<std::uint16_t>::max())
    return no(text, "is no port from 1 to 65535");
  return static_cast<std::uint16_t>(*number);
}

bool needs_brackets(std::string_view host) {
  return host.contains(':');
}

std::string with_port(std::string_view host, std::uint16_t port) {
  const auto bare = needs_brackets(host) ? "[" + std::string{host} + "]" : std::string{host};
  return port == 0 ? bare : bare + ":" + std::to_string(port);
}

}  // namespace

std::optional<std::uint16_t> own_port(std::string_view scheme) {
  constexpr std::array<std::pair<std::string_view, std::uint16_t>, 4> ports{
      {{"http", 80}, {"https", 443}, {"redis", 6379}, {"rediss", 6379}}};
  const auto* const found = std::ranges::find(ports, scheme, &decltype(ports)::value_type::first);
  if (found == ports.end()) return std::nullopt;
  return found->second;
}

parsed<url> parse_url(std::string_view text) {
  if (!is_ascii(text))
    return no(text, "has letters outside ASCII: write the host in its ASCII form (xn--...), the rest percent-encoded");
  const auto view = boost::urls::parse_uri(boost::urls::string_view{text.data(), text.size()});
  if (!view) return no(text, "is no absolute URL such as https://app.podero.com/api");
  if (view->has_userinfo())
    return std::unexpected("has user info before the host; it would be shown and logged, so it is refused here");
  if (view->has_query()) return no(text, "has a query, which does not belong here");
  if (view->has_fragment()) return no(text, "has a fragment, which does not belong here");

  // HOST:PORT reads as a scheme and a path.
  if (!view->has_authority()) return no(text, "is no absolute URL: write the scheme in front, as in http://HOST:PORT");

  url out;
  out.scheme = lower(std::string_view{view->scheme().data(), view->scheme().size()});
  out.host = lower(view->host_address());
  out.path = std::string{view->encoded_path().data(), view->encoded_path().size()};
  const bool is_ip = view->host_type() == boost::urls::host_type::ipv6;
  if (out.host.empty() || (!is_ip && !std::ranges::all_of(out.host, is_host_character)))
    return no(text, "has no usable host name");
  // Boost.URL takes what stands behind a colon and is no number for a path.
  if (!out.path.empty() && !out.path.starts_with('/')) return no(text, "has a port that is not from 1 to 65535");
  if (view->has_port() && !view->port().empty()) {
    const auto port = parse_port(std::string_view{view->port().data(), view->port().size()});
    if (!port) return no(text, "has a port that is not from 1 to 65535");
    out.port = *port;
  } else {
    out.port = own_port(out.scheme).value_or(0);
  }
  return out;
}

parsed<host_override> parse_override(std::string_view from, std::string_view to) {
  host_override out;
  const auto [host, port, has_port] = split(from);
  out.host = lower(host);
  const bool is_name = !out.host.empty() && std::ranges::all_of(out.host, is_host_character);
  if (!is_name && !parse_address(out.host)) return no(from, "is neither HOST nor HOST:PORT");
  if (has_port) {
    const auto number = parse_port(port);
    if (!number) return std::unexpected(number.error());
    out.port = *number;
  }
  const auto [address, to_port, has_to_port] = split(to);
  const auto target = parse_address(address);
  if (!target) return no(to, "is neither ADDRESS nor ADDRESS:PORT, such as 127.0.0.1, 127.0.0.1:8443 or [::1]:8443");
  out.address = *target;
  if (has_to_port) {
    const auto number = parse_port(to_port);
    if (!number) return std::unexpected(number.error());
    out.to_port = *number;
  }
  return out;
}

std::string show_from(const host_override& value) {
  return with_port(value.host, value.port);
}
std::string show_to(const host_override& value) {
  return with_port(value.address.to_string(), value.to_port);
}

std::string url::authority() const {
  return with_port(host, own_port(scheme) == port ? std::uint16_t{0} : port);
}
std::string url::origin() const {
  return scheme + "://" + authority();
}
std::string url::text() const {
  return origin() + path;
}

}  // namespace gateway::settings
