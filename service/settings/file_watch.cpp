#include "settings/file_watch.hpp"

#include <sys/stat.h>

#include <utility>

namespace gateway::settings {

file_watch::file_watch(std::vector<std::filesystem::path> files) : files_{std::move(files)} {
  for (const auto& file : files_) known_.push_back(identity_of(file));
}

bool file_watch::changed() {
  bool any = false;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const auto now = identity_of(files_[i]);
    if (now == known_[i]) continue;
    known_[i] = now;
    any = true;
  }
  return any;
}

file_watch::identity file_watch::identity_of(const std::filesystem::path& file) noexcept {
  struct stat found{};
  if (::stat(file.c_str(), &found) != 0) return {};
  return {.there = true,
          .device = found.st_dev,
          .inode = found.st_ino,
          .size = found.st_size,
          .seconds = found.st_mtim.tv_sec,
          .nanoseconds = found.st_mtim.tv_nsec};
}

}  // namespace gateway::settings
