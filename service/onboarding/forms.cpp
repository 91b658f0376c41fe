#include "onboarding/forms.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <optional>

namespace gateway::onboarding {
namespace {

namespace urls = boost::urls;

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) noexcept {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) noexcept {
  return c >= 'A' && c <= 'Z';
}
constexpr char lower(char c) noexcept {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

bool same_name(std::string_view a, std::string_view lower_case) noexcept {
  return std::ranges::equal(a, lower_case, [](char x, char y) { return lower(x) == y; });
}

std::string_view text_of(boost::core::string_view s) noexcept {
  return {s.data(), s.size()};
}

// Browsers take a name whose last label is a number, also a hexadecimal one, for an IPv4 address (WHATWG URL, "ends in
// a number"): 0x7f.1 is 127.0.0.1 to them.
bool ends_in_number(std::string_view host) noexcept {
  auto last = host.substr(host.rfind('.') + 1);
  if (std::ranges::all_of(last, is_digit)) return true;
  const bool hexadecimal = last.size() >= 2 && last[0] == '0' && lower(last[1]) == 'x';
  return hexadecimal && std::ranges::all_of(last.substr(2), is_hex);
}

// A name as DNS and browsers understand it. RFC 3986 would also allow percent-escapes and punctuation in a host, which
// readers of one URL decode differently: `evil.example%2f.good.example` must not pass as a host below good.example.
bool is_host_name(std::string_view host) noexcept {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  if (ends_in_number(host)) return false;
  std::size_t label = 0;
  for (const char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!is_digit(c) && !is_lower(lower(c)) && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return label != 0;
}

// Not url.port_number(), which wraps around beyond 65535.
bool is_port(std::string_view digits) noexcept {
  unsigned value = 0;
  for (const char c : digits) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return value != 0;
}

bool names_a_host(const urls::url_view& url) noexcept {
  switch (url.host_type()) {
    case urls::host_type::ipv4:
    case urls::host_type::ipv6:
      break;
    case urls::host_type::name:
      if (!is_host_name(text_of(url.encoded_host()))) return false;
      break;
    case urls::host_type::none:
    case urls::host_type::ipvfuture:
      return false;
  }
  return !url.has_port() || url.port().empty() || is_port(text_of(url.port()));
}

// Boost.URL 1.81 ends the authority where its grammar stops matching and takes the rest for a path:
// 127.0.0.1.evil.example becomes host 127.0.0.1 and path ".evil.example". Every browser reads another host, so such a
// text is no URL here.
std::optional<urls::url_view> parse(std::string_view text) noexcept {
  const auto parsed = urls::parse_uri({text.data(), text.size()});
  if (!parsed) return std::nullopt;
  const auto path = text_of(parsed->encoded_path());
  if (parsed->has_authority() && !path.empty() && path.front() != '/') return std::nullopt;
  return *parsed;
}

bool is_localhost(const urls::url_view& url) noexcept {
  auto host = text_of(url.encoded_host());
  if (url.host_type() == urls::host_type::ipv4) return host.starts_with("127.");
  if (url.host_type() == urls::host_type::ipv6) return url.host_ipv6_address().is_loopback();
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view name = "localhost";
  if (host.size() < name.size() || !same_name(host.substr(host.size() - name.size()), name)) return false;
  return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

bool is_web(const urls::url_view& url) noexcept {
  return url.scheme_id() == urls::scheme::https || url.scheme_id() == urls::scheme::http;
}

}  // namespace

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  bool fits = true;  // to the end in any case: that needs no branches
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    fits &= dash ? text[i] == '-' : is_hex(text[i]);
  }
  return fits;
}

bool is_language(std::string_view text) noexcept {
  if (text.size() < 2 || !is_lower(text[0]) || !is_lower(text[1])) return false;
  if (text.size() == 2) return true;
  if (text[2] != '-' && text[2] != '_') return false;
  const auto region = text.substr(3);
  return (region.size() == 2 && std::ranges::all_of(region, is_upper)) ||
         (region.size() == 3 && std::ranges::all_of(region, is_digit));
}

bool is_price_zone(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64 || !is_upper(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return is_upper(c) || is_digit(c) || c == '_'; });
}

std::vector<redirect_fault> redirect_faults(std::string_view url, const redirect_rules& rules, std::string_view* host) {
  std::vector<redirect_fault> faults;
  if (url.size() > redirect_url_limit) faults.push_back(redirect_fault::too_long);
  const auto parsed = parse(url);
  if (!parsed) {
    faults.push_back(redirect_fault::not_a_url);
    return faults;
  }
  const bool web = is_web(*parsed);
  const bool hosted = names_a_host(*parsed);
  if (parsed->scheme_id() != urls::scheme::https) {
    const bool plain = parsed->scheme_id() == urls::scheme::http;
    if (!plain || !rules.http_to_localhost || !is_localhost(*parsed)) faults.push_back(redirect_fault::scheme);
  }
  if (parsed->has_userinfo()) faults.push_back(redirect_fault::user_info);
  if (web && !hosted) faults.push_back(redirect_fault::not_a_host);
  if (hosted) {
    const auto name = text_of(parsed->encoded_host());
    if (host) *host = name;
    if (rules.host_allowed && !rules.host_allowed(name)) faults.push_back(redirect_fault::host);
  }
  return faults;
}

std::string_view origin_of(std::string_view url) noexcept {
  const auto parsed = parse(url);
  if (!parsed || !is_web(*parsed) || parsed->has_userinfo() || !names_a_host(*parsed)) return {};
  // Scheme and authority stand at the front of the text, in one piece.
  return url.substr(0, parsed->scheme().size() + 3 + parsed->encoded_authority().size());
}

}  // namespace gateway::onboarding
