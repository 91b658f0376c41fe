#include "problem_pages.hpp"

#include <boost/json.hpp>

#include <md4c-html.h>

#include <regex>
#include <stdexcept>

namespace gateway::proto_free_api {
namespace {

namespace bj = boost::json;

// Readable in light and dark, and on a phone.
constexpr std::string_view style =
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 "
    "1rem}"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.1rem;margin-top:2rem}"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow-x:auto;padding:1rem;border:1px solid "
    "#8886;"
    "border-radius:.4rem}table{border-collapse:collapse}td,th{border:1px solid #8886;padding:.3rem "
    ".6rem;text-align:left}";

std::string html_of(std::string_view markdown) {
  std::string out;
  const auto append = [](const MD_CHAR* text, MD_SIZE size, void* to) {
    static_cast<std::string*>(to)->append(text, size);
  };
  if (md_html(markdown.data(), static_cast<MD_SIZE>(markdown.size()), append, &out, MD_FLAG_TABLES | MD_FLAG_NOHTML,
              0) != 0)
    throw std::runtime_error{"this Markdown cannot be read"};
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \n");
  return begin == std::string_view::npos ? std::string_view{}
                                         : text.substr(begin, text.find_last_not_of(" \n") - begin + 1);
}

// What stands below "## NAME", up to the next heading.
std::string_view section(std::string_view markdown, std::string_view name) {
  const auto heading = "\n## " + std::string{name} + "\n";
  const auto begin = markdown.find(heading);
  if (begin == std::string_view::npos) throw std::runtime_error{"there is no section \"" + std::string{name} + "\""};
  const auto from = begin + heading.size();
  const auto end = markdown.find("\n## ", from);
  const auto found = trimmed(markdown.substr(from, end == std::string_view::npos ? end : end - from));
  if (found.empty()) throw std::runtime_error{"the section \"" + std::string{name} + "\" is empty"};
  return found;
}

bj::value example_in(std::string_view text) {
  constexpr std::string_view begin = "```json\n";
  if (!text.starts_with(begin) || !text.ends_with("```")) throw std::runtime_error{"the example is no JSON block"};
  text = text.substr(begin.size(), text.size() - begin.size() - 3);
  return bj::parse({text.data(), text.size()});
}

}  // namespace

problem_forms forms_of(std::string_view markdown) {
  const auto first_line = markdown.substr(0, markdown.find('\n'));
  if (!first_line.starts_with("# ")) throw std::runtime_error{"the first line is no title"};
  const std::string title{first_line.substr(2)};
  // | `/problems/NAME` | STATUS | `RETRY`: ... |
  static const std::regex row{R"(\n\| `(/problems/[a-z-]+)` \| ([0-9]{3}) \| `([a-z-]+)`)"};
  std::cmatch found;
  if (!std::regex_search(markdown.data(), markdown.data() + markdown.size(), found, row))
    throw std::runtime_error{"there is no row with type, status and retry"};

  problem_forms made;
  made.html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>";
  made.html += escaped(title);
  made.html += "</title><style>";
  made.html += style;
  made.html += "</style></head><body><main>\n";
  made.html += html_of(markdown);
  made.html += "</main></body></html>\n";
  made.json = bj::serialize(bj::object{{"type", found.str(1)},
                                       {"title", title},
                                       {"status", std::stoi(found.str(2))},
                                       {"retry", found.str(3)},
                                       {"meaning", section(markdown, "What it means")},
                                       {"advice", section(markdown, "What to do")},
                                       {"example", example_in(section(markdown, "Example"))}});
  return made;
}

}  // namespace gateway::proto_free_api
