// Any text as an allow-list's pattern (first line) and a redirect URL (the rest): a URL that may be used leads where
// the pattern says, as Boost.URL sees it and as a browser does.
#include "fuzz/expect.hpp"
#include "fuzz/plain_reading.hpp"
#include "onboarding/forms.hpp"
#include "settings/redirect_hosts.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <string>

namespace {

using namespace gateway;
using fuzz::expect;

// The host to which a browser goes (WHATWG URL, special schemes): slashes and backslashes are alike, any number of them
// follows the scheme, and everything up to the last @ is user info.
std::string browser_host(std::string_view url) {
  url.remove_prefix(std::min(url.find(':') + 1, url.size()));
  url.remove_prefix(std::min(url.find_first_not_of("/\\"), url.size()));
  auto authority = url.substr(0, url.find_first_of("/\\?#"));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) authority.remove_prefix(at + 1);
  if (authority.starts_with('[')) return fuzz::lower(authority.substr(0, authority.find(']') + 1));
  return fuzz::lower(authority.substr(0, authority.find(':')));
}

// Label by label from the right.
bool is_below(std::string_view host, std::string_view domain) {
  if (host.ends_with('.')) host.remove_suffix(1);
  for (;;) {
    const auto ours = host.rfind('.');
    const auto theirs = domain.rfind('.');
    const auto label = host.substr(ours == std::string_view::npos ? 0 : ours + 1);
    if (label != domain.substr(theirs == std::string_view::npos ? 0 : theirs + 1)) return false;
    if (ours == std::string_view::npos) return false;  // nothing is left before the domain
    host = host.substr(0, ours);
    if (theirs == std::string_view::npos) return !host.empty();
    domain = domain.substr(0, theirs);
  }
}

void check_url(std::string_view url, const settings::host_pattern& pattern) {
  onboarding::redirect_rules rules;
  rules.http_to_localhost = true;
  rules.host_allowed = [&](std::string_view host) { return pattern.matches(host); };
  static onboarding::url_reader reader;  // knows some of what it is asked
  const auto facts = reader.read(url);
  const auto fresh = onboarding::url_reader{}.read(url);
  expect(facts == fresh, "what was read before changes nothing");
  if (!redirect_faults(url, facts, rules).empty()) return;
  const auto named = facts.host(url);

  expect(url.size() <= onboarding::redirect_url_limit, "a URL is bounded");
  expect(std::ranges::all_of(url, [](char c) { return c > ' ' && c < 127 && c != '\\'; }),
         "a URL has no character that a browser takes out or reads otherwise");
  const auto scheme = fuzz::lower(url.substr(0, url.find(':')));
  expect(scheme == "https" || scheme == "http", "a URL is one of the web");
  const auto host = browser_host(url);
  expect(host == fuzz::lower(named), "a browser goes to the host that was checked");

  const auto boost_url = boost::urls::parse_uri({url.data(), url.size()});
  expect(boost_url.has_value() && !boost_url->has_userinfo(), "Boost.URL reads it, without user info");
  const auto boost_host =
      fuzz::lower(std::string_view{boost_url->encoded_host().data(), boost_url->encoded_host().size()});
  expect(boost_host == host, "Boost.URL and a browser see one host");

  if (scheme == "http")
    expect(host == "localhost" || host == "localhost." || host.starts_with("127.") || is_below(host, "localhost") ||
               host.starts_with("["),
           "without TLS a URL leads to this machine");
  const auto text = pattern.text();
  if (text.starts_with("*.")) {
    expect(is_below(host, std::string_view{text}.substr(2)), "*.DOMAIN stands for labels before the domain");
    expect(std::ranges::all_of(
               host,
               [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_'; }),
           "a host below a domain is a name");
  }
  const auto origin = facts.origin(url);
  expect(!origin.empty() && browser_host(origin) == host, "the origin of a URL has its host");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto fixed = *settings::host_pattern::parse("*.example.com");
  std::string_view url;
  const auto first = fuzz::first_line(fuzz::text_of(data, size), url);
  check_url(url, fixed);

  const auto pattern = settings::host_pattern::parse(first);
  if (!pattern) {
    expect(!pattern.error().empty(), "what is wrong with a pattern is said");
    return 0;
  }
  const auto again = settings::host_pattern::parse(pattern->text());
  expect(again && again->text() == pattern->text(), "a pattern that was written reads the same");
  check_url(url, *pattern);
  if (first.starts_with("*.")) {
    const auto domain = pattern->text().substr(2);
    expect(!pattern->matches(domain), "*.DOMAIN is not the domain itself");
    expect(!pattern->matches("x" + domain), "*.DOMAIN begins at a label");
    if (domain.size() < 240) expect(pattern->matches("www." + domain), "*.DOMAIN is what is below it");
  }
  return 0;
}
