// Makes a C++ source of the contract: openapi.yaml as one JSON document, with the schemas it refers to put inside, and
// the problem pages. Run by the build: embed-contract FOLDER OUT.cpp. Fails with the place if a reference leads
// nowhere.
#include "problem_pages.hpp"

#include <boost/json.hpp>

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"cannot read " + path.string()};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// YAML 1.2's core schema, as far as plain scalars of an OpenAPI document need it.
bj::value scalar(const YAML::Node& node) {
  const auto& text = node.Scalar();
  if (node.Tag() == "!") return bj::string{text};  // quoted
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  bj::error_code ec;
  const auto number = bj::parse(text, ec);
  if (!ec && number.is_number()) return number;
  return bj::string{text};
}

bj::value convert(const YAML::Node& node) {
  if (node.IsSequence()) {
    bj::array out;
    for (const auto& item : node) out.push_back(convert(item));
    return out;
  }
  if (!node.IsMap()) return node.IsNull() ? bj::value(nullptr) : scalar(node);
  bj::object out;
  for (const auto& member : node) {
    const auto name = member.first.as<std::string>();
    if (!out.emplace(name, convert(member.second)).second)
      throw std::runtime_error{"line " + std::to_string(member.first.Mark().line + 1) + ": \"" + name +
                               "\" stands twice"};
  }
  return out;
}

// Puts every referenced file of schemas/ below components/schemas, under its title, and turns the references there.
class bundler {
 public:
  bundler(fs::path folder, bj::object& document)
      : schemas_{std::move(folder) / "schemas"},
        components_{document.at("components").as_object().at("schemas").as_object()} {}

  void resolve(bj::value& value) {
    if (auto* array = value.if_array()) {
      for (auto& item : *array) resolve(item);
    } else if (auto* object = value.if_object()) {
      for (auto& member : *object) {
        if (member.key() == "$ref" && member.value().is_string())
          member.value() = target(std::string{member.value().get_string()});
        else
          resolve(member.value());
      }
    }
  }

 private:
  std::string target(const std::string& reference) {
    if (reference.starts_with('#')) return reference;
    const auto file = schemas_ / fs::path{reference}.filename();
    auto schema = bj::parse(read(file));
    schema.as_object().erase("$schema");
    const std::string title{schema.at("title").as_string()};
    if (!std::ranges::count(done_, title)) {
      done_.push_back(title);
      resolve(schema);
      schemas_found_.emplace_back(title, std::move(schema));
    }
    return "#/components/schemas/" + title;
  }

 public:
  // Apart from `resolve`, which walks through the object that this adds to.
  void add_schemas() {
    for (auto& [title, schema] : schemas_found_)
      if (!components_.emplace(title, std::move(schema)).second)
        throw std::runtime_error{"two schemas are called " + title};
  }

 private:
  fs::path schemas_;
  bj::object& components_;
  std::vector<std::string> done_;
  std::vector<std::pair<std::string, bj::value>> schemas_found_;
};

void check_references(const bj::value& value, const bj::value& document) {
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) check_references(item, document);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      check_references(member.value(), document);
      if (member.key() != "$ref" || !member.value().is_string()) continue;
      bj::error_code ec;
      if (!document.find_pointer(member.value().get_string().subview(1), ec))
        throw std::runtime_error{"reference leads nowhere: " + std::string{member.value().get_string()}};
    }
  }
}

std::string openapi(const fs::path& folder) {
  auto document = convert(YAML::LoadFile((folder / "openapi.yaml").string()));
  bundler files{folder, document.as_object()};
  files.resolve(document);
  files.add_schemas();
  check_references(document, document);
  return bj::serialize(document);
}

// As single characters: a string literal of this size is more than every compiler must take.
void write_array(std::ostream& out, const std::string& name, const std::string& text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out << "constexpr char " << name << "[] = {";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    out << (i % 24 == 0 ? "\n    " : "") << "'\\x" << digits[byte >> 4U] << digits[byte & 0xFU] << "',";
  }
  out << "\n};\n\n";
}

gateway::proto_free_api::problem_forms forms_of_page(const fs::path& file) {
  try {
    return gateway::proto_free_api::forms_of(read(file));
  } catch (const std::exception& e) {
    throw std::runtime_error{file.filename().string() + ": " + e.what()};
  }
}

void embed(const fs::path& folder, std::ostream& out) {
  std::vector<fs::path> pages;
  for (const auto& entry : fs::directory_iterator{folder / "problems"})
    if (entry.path().extension() == ".md") pages.push_back(entry.path());
  std::ranges::sort(pages);

  out << "// Made by embed-contract from proto-free-api; edit that.\n#include \"proto_free_api.hpp\"\n\n"
      << "namespace gateway::proto_free_api {\nnamespace {\n\n";
  write_array(out, "openapi", openapi(folder));
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const auto forms = forms_of_page(pages[i]);
    write_array(out, "html_" + std::to_string(i), forms.html);
    write_array(out, "json_" + std::to_string(i), forms.json);
  }
  out << "constexpr struct {\n  std::string_view name;\n  problem_page page;\n} pages[] = {\n";
  for (std::size_t i = 0; i < pages.size(); ++i)
    out << "    {\"" << pages[i].stem().string() << "\", {{html_" << i << ", sizeof html_" << i << "}, {json_" << i
        << ", sizeof json_" << i << "}}},\n";
  out << "};\n\n}  // namespace\n\n"
      << "std::string_view openapi_json() noexcept { return {openapi, sizeof openapi}; }\n\n"
      << "std::optional<problem_page> find_problem_page(std::string_view name) noexcept {\n"
      << "  for (const auto& p : pages)\n    if (p.name == name) return p.page;\n  return std::nullopt;\n}\n\n"
      << "}  // namespace gateway::proto_free_api\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: embed-contract FOLDER OUT.cpp\n";
    return 2;
  }
  try {
    std::ofstream out{argv[2], std::ios::binary};
    embed(argv[1], out);
    out.close();
    if (!out) throw std::runtime_error{std::string{"cannot write "} + argv[2]};
    return 0;
  } catch (const std::exception& e) {
    std::cerr << argv[1] << ": " << e.what() << '\n';
    std::error_code ignored;
    fs::remove(argv[2], ignored);
    return 1;
  }
}
