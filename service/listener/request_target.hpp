#pragma once

#include <string>
#include <string_view>

namespace gateway::listener {

// "name", "name:8080", "192.0.2.7:80", "[2001:db8::7]:80": a host of letters, digits, dots, hyphens, underscores and
// tildes, or an IP address, with a port up to 65535 or none. Narrower than RFC 3986 section 3.2.2, which allows
// percent-escapes, commas and more in a name: readers disagree about those.
bool is_host_and_port(std::string_view text) noexcept;

// What is wrong with the target of a request with this method (RFC 9112 section 3.2), for people; empty: nothing.
//   origin form     /path?query
//   absolute form   http://host:port/path?query, or https
//   authority form  host:port, for CONNECT only, which has no other
//   asterisk form   *, for OPTIONS only
// The path has only characters of RFC 3986; in a query what browsers leave as it is passes too. Escapes are two hex
// digits, and none is a control character.
std::string_view target_fault(std::string_view method, std::string_view target) noexcept;

// The path of a target in origin or absolute form, without its query. `host` in a target stands for the Host header
// (RFC 9112 section 3.2.2), and both mean nothing here.
//
// Percent-escapes of characters that need none are decoded (RFC 3986 section 6.2.2.2), once; the others stay, so an
// escaped slash, dot segments and a percent sign that was escaped itself are parts of a name, and no name of ours has
// them. `memory` holds the result where it is not a part of the target.
std::string_view path_of(std::string_view target, std::string& memory);

}  // namespace gateway::listener
