#include "settings/substitution.hpp"

#include "settings/fault.hpp"

namespace gateway::settings {
namespace {

// What stands between ${ and }. Appends the value to `out`, or a complaint.
void put_in(std::string_view reference, const std::filesystem::path& folder, const environment& env, expansion& out) {
  const auto colon = reference.find(':');
  const auto kind = reference.substr(0, colon);
  const auto name = colon == std::string_view::npos ? std::string_view{} : reference.substr(colon + 1);
  const auto complain = [&](const std::string& what) {
    out.complaints.push_back(in_quotes("${" + std::string{reference} + "}") + " " + what);
  };
  if (kind != "env" && kind != "file") {
    // Not shown: it may be the middle of a secret that happens to have a ${ in it.
    out.complaints.emplace_back("a ${...} is neither ${env:NAME} nor ${file:PATH} (write $${ for a literal ${)");
    return;
  }
  if (name.empty()) return complain(kind == "env" ? "names no variable" : "names no file");
  if (kind == "env") {
    if (const auto value = env.variable(std::string{name}))
      out.text += *value;
    else
      complain("is not set in the environment");
    return;
  }
  const auto file = below(folder, name);
  if (const auto content = env.read_file(file))
    out.text += without_line_ends(*content);
  else
    complain("cannot be read: " + file.string() + ": " + content.error());
}

}  // namespace

expansion expand(std::string_view text, const std::filesystem::path& folder, const environment& env) {
  expansion out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("$${")) {
      out.text += "${";
      out.substituted = true;
      i += 3;
    } else if (text.substr(i).starts_with("${")) {
      out.substituted = true;
      const auto end = text.find('}', i);
      if (end == std::string_view::npos) {
        out.complaints.emplace_back("a ${ has no closing } (write $${ for a literal ${)");
        break;
      }
      put_in(text.substr(i + 2, end - i - 2), folder, env, out);
      i = end + 1;
    } else {
      out.text += text[i++];
    }
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

std::filesystem::path below(const std::filesystem::path& folder, std::string_view path) {
  return (folder / std::filesystem::path{path}).lexically_normal();
}

std::string_view without_line_ends(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace gateway::settings
