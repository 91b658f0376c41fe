#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::onboarding {

// What a text is as a URL (RFC 3986), apart from anybody's rules. Nothing but `absolute` counts unless that is true.
struct url_facts {
  bool absolute = false;  // it has a scheme, and is well-formed from end to end
  bool https = false;
  bool http = false;
  bool has_user_info = false;
  bool names_host = false;  // one that DNS and browsers take for the same: a name or an IP address, with a sane port
  bool localhost = false;   // that host is this machine
  std::uint32_t host_at = 0;
  std::uint32_t host_size = 0;
  std::uint32_t origin_size = 0;

  friend bool operator==(const url_facts&, const url_facts&) = default;
  // The host as the URL has it, without the port, an IPv6 address in brackets.
  std::string_view host(std::string_view url) const noexcept { return url.substr(host_at, host_size); }
  // Scheme, host and port of an http or https URL, with which it begins: "https://connect.podero.com:8443". Empty for
  // any other one, and where there is user info, which nothing should be sent to.
  std::string_view origin(std::string_view url) const noexcept {
    return absolute && (https || http) && names_host && !has_user_info ? url.substr(0, origin_size)
                                                                       : std::string_view{};
  }
};

// Reads URLs, for one event loop. What it read lately it knows again up to the query: callers send their users back to
// the same few pages, and Podero's links differ in a session's id alone. (3,500 instructions a URL with Boost.URL, 400
// when it is known.)
class url_reader {
 public:
  url_facts read(std::string_view url);

 private:
  struct known {
    std::string text;
    url_facts facts;
  };

  std::vector<known> lately_;  // 64 places, from the first URL on: most of those who could read never do
  std::size_t next_ = 0;       // whose place of its set a new one takes
};

}  // namespace gateway::onboarding
