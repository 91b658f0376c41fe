#include "contract/examples.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace gateway::contract {
namespace {

std::vector<example> load() {
  std::vector<example> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder() / "examples"}) {
    if (entry.path().extension() != ".json") continue;
    const auto name = entry.path().parent_path().filename() / entry.path().stem();
    all.push_back({.name = name.string(), .content = boost::json::parse(read_file(entry.path())).as_object()});
  }
  std::ranges::sort(all, {}, &example::name);
  return all;
}

}  // namespace

const boost::json::object* example::upstream() const {
  const auto* found = content.if_contains("upstream");
  return found ? &found->as_object() : nullptr;
}

const boost::json::object& example::at(const char* part) const {
  return content.at(part).as_object();
}

std::filesystem::path folder() {
  return CONTRACT_FOLDER;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"cannot read " + path.string()};
  return {std::istreambuf_iterator<char>{file}, {}};
}

const std::vector<example>& examples() {
  static const auto all = load();
  return all;
}

std::string payload(const boost::json::object& message) {
  if (const auto* text = message.if_contains("text")) return std::string{text->as_string()};
  if (const auto* lines = message.if_contains("lines")) {
    std::string all;
    for (const auto& line : lines->as_array()) all += boost::json::serialize(line) + "\n";
    return all;
  }
  const auto* body = message.if_contains("body");
  return body ? boost::json::serialize(*body) : std::string{};
}

}  // namespace gateway::contract
