#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

// One entry of an allow-list of hosts: an exact host ("portal.example.com", "localhost", "192.0.2.7", "[2001:db8::7]"),
// or "*.example.com", which stands for ONE OR MORE labels before example.com and not for example.com itself (write both
// to allow both). Names are compared without regard to case and to one trailing dot. International names are written,
// and arrive, in their ASCII form (xn--...): that is what browsers put on the wire.
class host_pattern {
 public:
  host_pattern() = default;

  // The error says what is wrong with the text, for people.
  static std::expected<host_pattern, std::string> parse(std::string_view text);

  // `host` as it stands in a URL, without the port, percent-decoded; an IPv6 address with or without brackets.
  bool matches(std::string_view host) const;

  std::string text() const { return (wildcard_ ? "*." : "") + name_; }

 private:
  std::string name_;  // lower case, without "*.", trailing dot and brackets
  bool wildcard_ = false;
};

// Where a caller may send the end user's browser. Empty: anywhere.
struct redirect_hosts {
  std::vector<host_pattern> patterns;

  bool restricted() const noexcept { return !patterns.empty(); }
  bool matches(std::string_view host) const;
};

}  // namespace gateway::settings
