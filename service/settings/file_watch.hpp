#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gateway::settings {

// Notices that files have changed, by what they are now: device, inode, time of change and size of what their paths
// lead to. Mounted secrets change by a symlink swap, under which the path stays and the inode does not. Blocks on
// files; one thread.
class file_watch {
 public:
  explicit file_watch(std::vector<std::filesystem::path> files);

  // Whether any of them is another one than at the last call (or at construction); that a file vanishes or appears is a
  // change, too.
  bool changed();

 private:
  struct identity {
    bool there = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    friend bool operator==(const identity&, const identity&) = default;
  };
  static identity identity_of(const std::filesystem::path& file) noexcept;

  std::vector<std::filesystem::path> files_;
  std::vector<identity> known_;
};

}  // namespace gateway::settings
