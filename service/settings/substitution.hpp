#pragma once

#include "settings/environment.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

struct expansion {
  std::string text;
  bool substituted = false;             // something was put in, or $${ was read
  std::vector<std::string> complaints;  // for people; none of them holds a content
};

// Puts in ${env:NAME} and ${file:PATH} wherever they stand; $${ is a literal ${. What was put in is not looked at
// again. Relative paths start at `folder`; line ends at the end of a file are taken off.
expansion expand(std::string_view text, const std::filesystem::path& folder, const environment& env);

// The other way: a text that expands to this one.
std::string escaped(std::string_view text);

// As written, or below `folder` if it is relative.
std::filesystem::path below(const std::filesystem::path& folder, std::string_view path);

// Without line ends at its end: echo and editors put one there.
std::string_view without_line_ends(std::string_view text);

}  // namespace gateway::settings
