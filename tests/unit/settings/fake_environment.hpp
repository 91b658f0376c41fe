#pragma once

#include "settings/environment.hpp"
#include "settings/load.hpp"

#include <map>
#include <string>

namespace gateway::settings {

// Files and variables as literals.
class fake_environment final : public environment {
 public:
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;

  std::expected<std::string, std::string> read_file(const std::filesystem::path& file) const override {
    const auto found = files.find(file.string());
    if (found == files.end()) return std::unexpected("No such file or directory");
    return found->second;
  }

  std::optional<std::string> variable(const std::string& name) const override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }
};

// All faults of a text as --check prints them, or "".
inline std::string faults_of(std::string_view text, const environment& env = fake_environment{}) {
  const auto read = parse(text, "/etc/gateway/g.yaml", env);
  return read ? std::string{} : settings::text(read.error());
}

}  // namespace gateway::settings
