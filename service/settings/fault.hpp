#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

// Where something stands in the file, counted from 1; line 0: the file as a whole.
struct place {
  int line = 0;
  int column = 0;
  friend auto operator<=>(const place&, const place&) = default;
};

// One thing that is wrong with a configuration.
struct fault {
  std::string file;
  place at;
  std::string path;  // "accounts.sandbox.limits.sessions[0].rate"; empty for the file as a whole
  std::string what;

  // file:line:column: path.of.key: what is wrong
  std::string text() const;
};

// Something that is legal and unwise.
struct warning {
  std::string path;
  std::string what;

  std::string text() const;
};

// One line per fault, each ended.
std::string text(const std::vector<fault>& faults);

// The path of a member. Names with characters of their own meaning in a path (a host with dots) stand in quotes.
std::string member(std::string_view path, std::string_view name);
std::string element(std::string_view path, std::size_t index);

// A value of the file on its way into a message: in quotes, on one line, without control characters, not too long.
std::string in_quotes(std::string_view text);

}  // namespace gateway::settings
