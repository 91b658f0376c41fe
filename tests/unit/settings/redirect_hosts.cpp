#include "settings/redirect_hosts.hpp"

#include <doctest/doctest.h>

using namespace gateway::settings;

namespace {

bool allows(std::string_view pattern, std::string_view host) {
  const auto read = host_pattern::parse(pattern);
  REQUIRE(read);
  return read->matches(host);
}

std::string refusal(std::string_view pattern) {
  const auto read = host_pattern::parse(pattern);
  REQUIRE_FALSE(read);
  return read.error();
}

}  // namespace

TEST_CASE("An exact host matches itself, whatever its case and one dot at its end") {
  CHECK(allows("portal.example.com", "portal.example.com"));
  CHECK(allows("Portal.Example.com", "PORTAL.example.COM"));
  CHECK(allows("portal.example.com.", "portal.example.com"));
  CHECK(allows("portal.example.com", "portal.example.com."));
  CHECK_FALSE(allows("portal.example.com", "portal.example.com.."));
  CHECK_FALSE(allows("portal.example.com", "example.com"));
  CHECK_FALSE(allows("portal.example.com", "portal.example.com.evil.example"));
  CHECK_FALSE(allows("portal.example.com", "portalxexample.com"));
}

TEST_CASE("A wildcard stands for one or more labels, and not for none") {
  CHECK(allows("*.example.com", "a.example.com"));
  CHECK(allows("*.example.com", "a.b.example.com"));
  CHECK(allows("*.example.com", "A.EXAMPLE.com."));
  CHECK_FALSE(allows("*.example.com", "example.com"));
  CHECK_FALSE(allows("*.example.com", ".example.com"));
  CHECK_FALSE(allows("*.example.com", "evilexample.com"));
  CHECK_FALSE(allows("*.example.com", "a.example.com.evil.example"));
}

TEST_CASE("A host that is no host matches nothing") {
  for (const auto* host : {"", ".", "a..example.com", "a b.example.com", "evil.example\\.example.com",
                           "evil.example/.example.com", "evil@a.example.com", "a\0.example.com", "é.example.com"}) {
    CAPTURE(host);
    CHECK_FALSE(allows("*.example.com", host));
  }
}

TEST_CASE("Addresses match by value, with or without brackets") {
  CHECK(allows("127.0.0.1", "127.0.0.1"));
  CHECK(allows("[::1]", "::1"));
  CHECK(allows("::1", "[0:0:0:0:0:0:0:1]"));
  CHECK_FALSE(allows("127.0.0.1", "127.0.0.2"));
  CHECK_FALSE(allows("127.0.0.1", "localhost"));
}

TEST_CASE("A zero byte ends no address") {
  using namespace std::string_literals;
  CHECK_FALSE(host_pattern::parse("::c\0.example.com"s).has_value());
  CHECK_FALSE(allows("127.0.0.1", "127.0.0.1\0.evil.example"s));
}

TEST_CASE("International names match in their ASCII form") {
  CHECK(allows("*.xn--bcher-kva.example", "www.XN--bcher-kva.example"));
  CHECK(refusal("*.bücher.example") ==
        "has letters outside ASCII; write the host in its ASCII form (xn--...), as browsers send it");
}

TEST_CASE("A pattern that would allow too much or nothing is refused") {
  CHECK(refusal("*") == "would allow every host, as no redirect_hosts at all does: name the hosts");
  CHECK(refusal("*.com") == "would allow a whole top-level domain; at least two labels must follow the *");
  CHECK(refusal("a*.example.com") == "a * may only stand for the whole beginning of a host, as in *.example.com");
  CHECK(refusal("a.*.example.com") == "a * may only stand for the whole beginning of a host, as in *.example.com");
  CHECK(refusal("https://a.example.com") == "is a URL; only its host belongs here");
  CHECK(refusal("a.example.com/x") == "has a path; only a host belongs here");
  CHECK(refusal("a.example.com:443") == "has a port; a host is allowed on all its ports");
  CHECK(refusal("*.0.0.1") == "ends in a number but is no IP address");
  CHECK(refusal("portal.0x7F") == "ends in a number but is no IP address");
  CHECK(refusal("0x") == "ends in a number but is no IP address");
  CHECK(refusal("*.127.0.0.1") == "a * cannot stand before an IP address");
  CHECK(refusal("a..example.com") == "is no host name such as portal.example.com or *.example.com");
  CHECK(refusal("") == "is no host name such as portal.example.com or *.example.com");
}

TEST_CASE("Without a list every host is allowed, with one only those on it") {
  redirect_hosts hosts;
  CHECK_FALSE(hosts.restricted());
  CHECK(hosts.matches("anything.example"));
  hosts.patterns.push_back(*host_pattern::parse("localhost"));
  hosts.patterns.push_back(*host_pattern::parse("*.example.com"));
  CHECK(hosts.matches("localhost"));
  CHECK(hosts.matches("a.example.com"));
  CHECK_FALSE(hosts.matches("anything.example"));
}
