#include "settings/fault.hpp"

#include <algorithm>

namespace gateway::settings {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Control characters as \xNN: a name in a YAML file may have line ends, and a message is one line.
std::string on_one_line(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
      out += std::string{"\\x"} + digits[byte / 16] + digits[byte % 16];
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string fault::text() const {
  std::string out = file;
  if (at.line > 0) out += ':' + std::to_string(at.line) + ':' + std::to_string(at.column);
  if (!path.empty()) out += ": " + path;
  return on_one_line(out + ": " + what);
}

std::string warning::text() const {
  return path.empty() ? what : path + ": " + what;
}

std::string text(const std::vector<fault>& faults) {
  std::string out;
  for (const auto& f : faults) out += f.text() + '\n';
  return out;
}

std::string member(std::string_view path, std::string_view name) {
  std::string out{path};
  if (!out.empty()) out += '.';
  if (!name.empty() && std::ranges::all_of(name, is_plain)) return out.append(name);
  return out + in_quotes(name);
}

std::string element(std::string_view path, std::size_t index) {
  return std::string{path} + '[' + std::to_string(index) + ']';
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 80;
  bool cut = false;
  if (text.size() > longest) {
    auto end = longest;
    while (end > 0 && is_continuation(text[end])) --end;  // never half of a character
    text = text.substr(0, end);
    cut = true;
  }
  return '"' + on_one_line(text) + (cut ? "...\"" : "\"");
}

}  // namespace gateway::settings
