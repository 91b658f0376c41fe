#include "onboarding/forms.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace gateway::onboarding {
namespace {

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

bool is_port(std::string_view digits) noexcept {
  unsigned value = 0;
  for (const char c : digits) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return value != 0;
}

enum class host_form : std::uint8_t { none, name, ipv4, ipv6, future };

// The parts of a URI (RFC 3986). Views into its text.
struct uri {
  std::string_view scheme;
  std::string_view authority{};  // with user info and port
  std::string_view host{};       // an IPv6 address in its brackets
  std::string_view port{};       // without its colon
  host_form form = host_form::none;
  bool user_info = false;
};

// Which characters may stand where (RFC 3986, appendix A). The percent sign stands for itself: what follows is looked
// at.
enum : std::uint8_t { in_name = 1, in_user_info = 2, in_rest = 4, in_scheme = 8 };
constexpr auto allowed = [] {
  std::array<std::uint8_t, 256> table{};
  const auto allow = [&](std::string_view which, unsigned where) {
    for (const char c : which) table[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(where);
  };
  allow("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.+",
        in_name | in_user_info | in_rest | in_scheme);
  allow("_~!$&'()*,;=%", in_name | in_user_info | in_rest);
  allow(":", in_user_info | in_rest);
  allow("@/?", in_rest);
  return table;
}();

// Only characters of one kind, each percent sign before two hexadecimal digits.
bool consists_of(std::string_view text, std::uint8_t kind) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((allowed[static_cast<unsigned char>(text[i])] & kind) == 0) return false;
    if (text[i] == '%' && (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))) return false;
  }
  return true;
}

// How many characters at the front are an IPv4 address in its strict form; 0: none.
std::size_t leading_ipv4(std::string_view host) noexcept {
  std::size_t at = 0;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (at == host.size() || host[at++] != '.')) return 0;
    const auto begin = at;
    unsigned value = 0;
    while (at < host.size() && is_digit(host[at]) && at - begin < 4)
      value = value * 10 + static_cast<unsigned>(host[at++] - '0');
    const auto digits = at - begin;
    if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && host[begin] == '0')) return 0;
  }
  return at;
}

std::optional<in6_addr> ipv6_of(std::string_view inside) noexcept {
  std::array<char, INET6_ADDRSTRLEN> text{};
  in6_addr address{};
  if (inside.size() >= text.size() || inside.contains('\0')) return std::nullopt;
  std::ranges::copy(inside, text.begin());
  return inet_pton(AF_INET6, text.data(), &address) == 1 ? std::optional{address} : std::nullopt;
}

// "v1.x"
bool is_future_address(std::string_view inside) noexcept {
  const auto dot = inside.find('.');
  if (dot == std::string_view::npos || dot < 2 || lower(inside[0]) != 'v' || dot + 1 == inside.size()) return false;
  return std::ranges::all_of(inside.substr(1, dot - 1), is_hex) && !inside.contains('%') &&
         consists_of(inside.substr(dot + 1), in_user_info);
}

bool split_authority(uri& into) noexcept {
  auto rest = into.authority;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    if (!consists_of(rest.substr(0, at), in_user_info)) return false;
    into.user_info = true;
    rest.remove_prefix(at + 1);
  }
  std::size_t end = 0;
  if (rest.starts_with('[')) {
    end = rest.find(']');
    if (end == std::string_view::npos) return false;
    const auto inside = rest.substr(1, end++ - 1);
    into.form = ipv6_of(inside) ? host_form::ipv6 : host_form::future;
    if (into.form == host_form::future && !is_future_address(inside)) return false;
    if (end < rest.size() && rest[end] != ':') return false;
  } else {
    end = std::min(rest.find(':'), rest.size());
    if (!consists_of(rest.substr(0, end), in_name)) return false;
    into.form = end == 0 ? host_form::none : host_form::name;
  }
  into.host = rest.substr(0, end);
  if (end < rest.size()) into.port = rest.substr(end + 1);
  if (into.form == host_form::name)
    if (const auto size = leading_ipv4(into.host); size > 0) {
      // 127.0.0.1.evil.example: a name to some readers, an address with something behind it to others. No URL here.
      if (size < into.host.size()) return false;
      into.form = host_form::ipv4;
    }
  return std::ranges::all_of(into.port, is_digit);
}

// A URI of RFC 3986, in one pass over its text. Nothing: it is none. (Boost.URL did the same at ten times the price:
// three URLs were an eighth of the instructions of a creation, `bench/peers`.)
std::optional<uri> parse(std::string_view text) noexcept {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_lower(lower(text[0]))) return std::nullopt;
  uri made{.scheme = text.substr(0, colon)};
  if (!consists_of(made.scheme, in_scheme)) return std::nullopt;
  auto rest = text.substr(colon + 1);
  if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
    if (!consists_of(rest.substr(hash + 1), in_rest)) return std::nullopt;
    rest = rest.substr(0, hash);
  }
  if (rest.starts_with("//")) {
    made.authority = rest.substr(2, std::min(rest.find_first_of("/?", 2), rest.size()) - 2);
    if (!split_authority(made)) return std::nullopt;
    rest.remove_prefix(2 + made.authority.size());
  }
  return consists_of(rest, in_rest) ? std::optional{made} : std::nullopt;
}

bool names_a_host(const uri& url) noexcept {
  if (url.form == host_form::none || url.form == host_form::future) return false;
  if (url.form == host_form::name && !is_host_name(url.host)) return false;
  return url.port.empty() || is_port(url.port);
}

bool is_localhost(const uri& url) noexcept {
  auto host = url.host;
  if (url.form == host_form::ipv4) return host.starts_with("127.");
  if (url.form == host_form::ipv6) {
    const auto address = ipv6_of(host.substr(1, host.size() - 2));
    return address && IN6_IS_ADDR_LOOPBACK(&*address);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  constexpr std::string_view name = "localhost";
  if (host.size() < name.size() || !same_name(host.substr(host.size() - name.size()), name)) return false;
  return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

}  // namespace

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
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
  const bool secure = same_name(parsed->scheme, "https");
  const bool plain = same_name(parsed->scheme, "http");
  const bool hosted = names_a_host(*parsed);
  if (!secure && (!plain || !rules.http_to_localhost || !is_localhost(*parsed)))
    faults.push_back(redirect_fault::scheme);
  if (parsed->user_info) faults.push_back(redirect_fault::user_info);
  if ((secure || plain) && !hosted) faults.push_back(redirect_fault::not_a_host);
  if (hosted) {
    if (host) *host = parsed->host;
    if (rules.host_allowed && !rules.host_allowed(parsed->host)) faults.push_back(redirect_fault::host);
  }
  return faults;
}

std::string_view origin_of(std::string_view url) noexcept {
  const auto parsed = parse(url);
  if (!parsed || parsed->user_info || !names_a_host(*parsed)) return {};
  if (!same_name(parsed->scheme, "https") && !same_name(parsed->scheme, "http")) return {};
  // Scheme and authority stand at the front of the text, in one piece.
  return url.substr(0, parsed->scheme.size() + 3 + parsed->authority.size());
}

}  // namespace gateway::onboarding
