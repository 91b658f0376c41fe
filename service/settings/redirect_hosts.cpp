#include "settings/redirect_hosts.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <optional>

namespace gateway::settings {
namespace {

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Lower case, one trailing dot and the brackets taken off.
std::string normalised(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return lower(host);
}

std::optional<boost::asio::ip::address> address_of(const std::string& host) {
  if (host.contains('\0')) return std::nullopt;  // where make_address would stop reading
  boost::system::error_code error;
  auto address = boost::asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  return address;
}

bool is_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (std::size_t begin = 0; begin <= host.size();) {
    const auto end = std::min(host.find('.', begin), host.size());
    const auto label = host.substr(begin, end - begin);
    if (label.empty() || label.size() > 63 || !std::ranges::all_of(label, is_label_character)) return false;
    begin = end + 1;
  }
  return true;
}

// Browsers take a host whose last label is a number, also a hexadecimal one, for an IPv4 address (WHATWG URL, "ends in
// a number"). `host` is in lower case.
bool ends_in_number(std::string_view host) {
  auto last = host.substr(host.rfind('.') + 1);
  const bool hexadecimal = last.starts_with("0x");
  if (hexadecimal) last.remove_prefix(2);
  return std::ranges::all_of(last,
                             [&](char c) { return (c >= '0' && c <= '9') || (hexadecimal && c >= 'a' && c <= 'f'); });
}

}  // namespace

std::expected<host_pattern, std::string> host_pattern::parse(std::string_view text) {
  host_pattern pattern;
  if (text == "*") return std::unexpected("would allow every host, as no redirect_hosts at all does: name the hosts");
  if (text.contains("://")) return std::unexpected("is a URL; only its host belongs here");
  if (text.contains('/')) return std::unexpected("has a path; only a host belongs here");
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return std::unexpected(
        "has letters outside ASCII; write the host in its ASCII form (xn--...), as browsers send it");

  pattern.wildcard_ = text.starts_with("*.");
  pattern.name_ = normalised(pattern.wildcard_ ? text.substr(2) : text);
  if (pattern.name_.contains('*'))
    return std::unexpected("a * may only stand for the whole beginning of a host, as in *.example.com");
  if (address_of(pattern.name_)) {
    if (pattern.wildcard_) return std::unexpected("a * cannot stand before an IP address");
    return pattern;
  }
  if (pattern.name_.contains(':')) return std::unexpected("has a port; a host is allowed on all its ports");
  if (!is_name(pattern.name_)) return std::unexpected("is no host name such as portal.example.com or *.example.com");
  if (ends_in_number(pattern.name_)) return std::unexpected("ends in a number but is no IP address");
  if (pattern.wildcard_ && !pattern.name_.contains('.'))
    return std::unexpected("would allow a whole top-level domain; at least two labels must follow the *");
  return pattern;
}

bool host_pattern::matches(std::string_view host) const {
  const auto wanted = normalised(host);
  if (const auto address = address_of(wanted)) return !wildcard_ && address_of(name_) == address;
  if (!is_name(wanted)) return false;
  if (!wildcard_) return wanted == name_;
  return wanted.size() > name_.size() + 1 && wanted.ends_with(name_) && wanted[wanted.size() - name_.size() - 1] == '.';
}

bool redirect_hosts::matches(std::string_view host) const {
  if (!restricted()) return true;
  return std::ranges::any_of(patterns, [&](const host_pattern& p) { return p.matches(host); });
}

}  // namespace gateway::settings
