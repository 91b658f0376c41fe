#pragma once

#include "settings/fault.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::settings {

// Gathers every fault of one reading, and remembers where each key stands, so that what concerns several keys can be
// checked later on plain values and still be reported with its place.
class collector {
 public:
  explicit collector(std::string file) : file_{std::move(file)} {}

  void remember(const std::string& path, place at) { places_.insert_or_assign(path, at); }

  // Where the path stands, or the nearest thing around it that stands in the file.
  place place_of(std::string_view path) const;

  bool stands_in_file(const std::string& path) const { return places_.contains(path); }

  void add(std::string path, place at, std::string what);
  void add(std::string path, std::string what);

  // The same for a value that could not be read at all, so that nothing below it can be relied on.
  void add_unreadable(std::string path, place at, std::string what);

  // Whether the value at this path cannot be relied on: it or something below it has a fault, or what is around it
  // could not be read.
  bool faulty(std::string_view path) const;

  // Every fault found, in the order of the file.
  std::vector<fault> sorted() const;

  bool empty() const noexcept { return faults_.empty(); }

 private:
  std::string file_;
  std::map<std::string, place, std::less<>> places_;
  std::vector<fault> faults_;
  std::set<std::string, std::less<>> unreadable_;
};

}  // namespace gateway::settings
