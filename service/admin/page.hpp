#pragma once

#include <string>
#include <string_view>

namespace gateway::admin {

// page.html, put into the program by the build.
extern const std::string_view page;

// What a browser may do with such a page: run its own style and script elements, by their digests (CSP Level 3,
// section 6.7.2.3), and ask the server that it came from. Nothing else, from nowhere else.
std::string content_security_policy(std::string_view html);

}  // namespace gateway::admin
