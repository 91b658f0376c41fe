#pragma once

#include <set>

#include "settings/environment.hpp"

namespace gateway::settings {

// Remembers which files were asked for, also those that could not be read. One thread.
class recorded_environment final : public environment {
 public:
  explicit recorded_environment(const environment& of) : of_{of} {}

  std::expected<std::string, std::string> read_file(const std::filesystem::path& file) const override {
    files_.insert(file);
    return of_.read_file(file);
  }
  std::optional<std::string> variable(const std::string& name) const override { return of_.variable(name); }

  const std::set<std::filesystem::path>& files() const noexcept { return files_; }

 private:
  const environment& of_;
  mutable std::set<std::filesystem::path> files_;
};

}  // namespace gateway::settings
