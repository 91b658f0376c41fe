#include "onboarding/url_reader.hpp"

#include <boost/url/grammar/parse.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/pchars.hpp>
#include <boost/url/rfc/pct_encoded_rule.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <span>

#include "onboarding/characters.hpp"

namespace gateway::onboarding {
namespace {

namespace urls = boost::urls;

constexpr std::size_t longest_known = 512;
// In sets, by their hash: with one place for each, two pages of one hash threw each other out with every request.
constexpr std::size_t places_of_set = 4;
constexpr std::size_t sets = 16;

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

url_facts facts_of(std::string_view text) noexcept {
  const auto url = parse(text);
  if (!url) return {};
  const auto host = url->encoded_host();
  return {.absolute = true,
          .https = url->scheme_id() == urls::scheme::https,
          .http = url->scheme_id() == urls::scheme::http,
          .has_user_info = url->has_userinfo(),
          .names_host = names_a_host(*url),
          .localhost = is_localhost(*url),
          .host_at = static_cast<std::uint32_t>(host.empty() ? 0 : host.data() - text.data()),
          .host_size = static_cast<std::uint32_t>(host.size()),
          // Scheme and authority stand at the front of the text, in one piece.
          .origin_size = static_cast<std::uint32_t>(url->scheme().size() + 3 + url->encoded_authority().size())};
}

// "?query#fragment", either of them or nothing. Each is *( pchar / "/" / "?" ) (RFC 3986, sections 3.4 and 3.5).
bool is_query_and_fragment(std::string_view text) noexcept {
  static constexpr auto rule = urls::pct_encoded_rule(urls::pchars + '/' + '?');
  const auto fits = [](std::string_view part) {
    return urls::grammar::parse(boost::core::string_view{part.data(), part.size()}, rule).has_value();
  };
  const auto fragment = std::min(text.find('#'), text.size());
  const auto query = text.substr(0, fragment);
  return (query.empty() || fits(query.substr(1))) && (fragment == text.size() || fits(text.substr(fragment + 1)));
}

}  // namespace

// What stands in front of the query is a URL by itself (RFC 3986, section 3).
url_facts url_reader::read(std::string_view url) {
  // Two searches for one character each: one for both takes as many instructions as all the rest.
  const auto end = std::min({url.find('?'), url.find('#'), url.size()});
  if (!is_query_and_fragment(url.substr(end))) return {};
  const auto front = url.substr(0, end);
  if (front.size() > longest_known) return facts_of(front);
  lately_.resize(sets * places_of_set);
  const auto set =
      std::span{lately_}.subspan(std::hash<std::string_view>{}(front) % sets * places_of_set, places_of_set);
  const auto found = std::ranges::find(set, front, &known::text);
  if (found != set.end()) return found->facts;
  auto& place = set[next_++ % places_of_set];
  place = {.text = std::string{front}, .facts = facts_of(front)};
  return place.facts;
}

}  // namespace gateway::onboarding
