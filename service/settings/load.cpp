#include "settings/load.hpp"

#include "settings/checks.hpp"
#include "settings/keys/process.hpp"
#include "settings/reader.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace gateway::settings {
namespace {

using outcome = std::expected<configuration, std::vector<fault>>;

std::unexpected<std::vector<fault>> only(const std::filesystem::path& file, place at, std::string what) {
  return std::unexpected(std::vector{fault{file.string(), at, "", std::move(what)}});
}

std::size_t length_of_character(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return 2;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xF0 && first < 0xF5) return 4;
  return 0;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 1; i < text.size(); ++i)
    if ((byte(i) & 0xC0U) != 0x80U) return false;
  if (text.size() < 3) return true;
  return !(byte(0) == 0xE0 && byte(1) < 0xA0) && !(byte(0) == 0xED && byte(1) > 0x9F) &&
         !(byte(0) == 0xF0 && byte(1) < 0x90) && !(byte(0) == 0xF4 && byte(1) > 0x8F);
}

// yaml-cpp takes some control characters for the end of the file and does not mind broken UTF-8: both are found here.
std::optional<std::pair<place, std::string>> unreadable_character(std::string_view text) {
  place at{1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const auto length = length_of_character(first);
    if (length == 0 || i + length > text.size() || !is_character(text.substr(i, length)))
      return std::pair{at, std::string{"is not UTF-8 here"}};
    if ((first < 0x20 && first != '\n' && first != '\r' && first != '\t') || first == 0x7F)
      return std::pair{at, "has the control character " + in_quotes(text.substr(i, 1)) + " here"};
    i += length;
    ++at.column;
    if (first == '\n') at = {at.line + 1, 1};
  }
  return std::nullopt;
}

// The commonest reason for which a YAML file that looks right is none, and the parser's message does not tell.
std::string tab_hint(std::string_view text) {
  for (int line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto indentation = text.substr(0, std::min(text.find_first_not_of(" \t"), end));
    if (indentation.contains('\t'))
      return " (line " + std::to_string(line) + " is indented with a tab, which YAML does not allow: use spaces)";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return "";
}

// Where the content of a document begins, if it has any.
class beginning final : public YAML::EventHandler {
 public:
  std::optional<place> at;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { note(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { note(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override { note(mark); }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    note(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    note(mark);
  }
  void OnMapEnd() override {}

 private:
  void note(const YAML::Mark& mark) {
    if (!at) at = mark.is_null() ? place{1, 1} : place{mark.line + 1, mark.column + 1};
  }
};

// Not YAML::LoadAll, which never ends on a text whose beginning it cannot take, such as ",".
std::optional<place> second_document(std::string_view text) {
  std::istringstream in{std::string{text}};
  YAML::Parser parser{in};
  beginning first;
  beginning second;
  if (!parser.HandleNextDocument(first) || !parser.HandleNextDocument(second)) return std::nullopt;
  return second.at.value_or(place{1, 1});
}

std::expected<YAML::Node, std::vector<fault>> tree(std::string_view text, const std::filesystem::path& file) {
  if (const auto bad = unreadable_character(text)) return only(file, bad->first, bad->second);
  try {
    auto document = YAML::Load(std::string{text});
    if (document.IsNull()) return only(file, {1, 1}, "is empty: there is no configuration in it");
    if (const auto at = second_document(text))
      return only(file, *at, "begins a second YAML document here; a configuration is one");
    if (!document.IsMap()) return only(file, place_of(document, {1, 1}), "must be a mapping (key: value) at its top");
    return document;
  } catch (const YAML::Exception& e) {
    const place at = e.mark.is_null() ? place{1, 1} : place{e.mark.line + 1, e.mark.column + 1};
    return only(file, at, "is no YAML: " + e.msg + tab_hint(text));
  }
}

}  // namespace

outcome load(const std::filesystem::path& file, const environment& env) {
  const auto text = env.read_file(file);
  if (!text) return only(file, {}, "cannot be read: " + text.error());
  return parse(*text, file, env);
}

outcome parse(std::string_view text, const std::filesystem::path& file, const environment& env) {
  const auto root = tree(text, file);
  if (!root) return std::unexpected(root.error());

  collector faults{file.string()};
  context in{faults, env, file.parent_path()};
  configuration c;
  read_section(spot{&in, "", place_of(*root, {1, 1}), *root}, c);
  complete(c);
  check_listeners(c, faults);
  check_accounts(c, faults);
  check_callers(c, faults);
  check_process(c, faults);
  check_files(c, env, faults);
  if (!faults.empty()) return std::unexpected(faults.sorted());
  return c;
}

}  // namespace gateway::settings
