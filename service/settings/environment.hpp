#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>

namespace gateway::settings {

// What the configuration takes from outside its own text. Injected, so that tests state files and variables as
// literals.
class environment {
 public:
  virtual ~environment() = default;

  // The whole content; the error is for people ("No such file or directory").
  virtual std::expected<std::string, std::string> read_file(const std::filesystem::path& file) const = 0;

  virtual std::optional<std::string> variable(const std::string& name) const = 0;

 protected:  // so that it is never sliced
  environment() = default;
  environment(const environment&) = default;
  environment& operator=(const environment&) = default;
};

// The real one. Files above 1 MiB are refused: none of ours is that long, and /dev/zero never ends. Any thread; blocks.
class system_environment final : public environment {
 public:
  std::expected<std::string, std::string> read_file(const std::filesystem::path& file) const override;
  std::optional<std::string> variable(const std::string& name) const override;
};

}  // namespace gateway::settings
