#include "settings/collector.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gateway::settings {
namespace {

bool inside(std::string_view path, std::string_view around) {
  if (around.empty() || path == around) return true;
  return path.starts_with(around) && (path[around.size()] == '.' || path[around.size()] == '[');
}

}  // namespace

place collector::place_of(std::string_view path) const {
  while (!path.empty()) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const auto cut = path.find_last_of(".[");
    path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return {1, 1};
}

void collector::add(std::string path, place at, std::string what) {
  fault f{file_, at, std::move(path), std::move(what)};
  const auto same = [&](const fault& other) {
    return other.at == f.at && other.path == f.path && other.what == f.what;
  };
  if (std::ranges::none_of(faults_, same)) faults_.push_back(std::move(f));  // an anchor may be read in several places
}

void collector::add_unreadable(std::string path, place at, std::string what) {
  unreadable_.insert(path);
  add(std::move(path), at, std::move(what));
}

void collector::add(std::string path, std::string what) {
  const auto at = place_of(path);
  add(std::move(path), at, std::move(what));
}

bool collector::faulty(std::string_view path) const {
  return std::ranges::any_of(faults_, [&](const fault& f) { return inside(f.path, path); }) ||
         std::ranges::any_of(unreadable_, [&](const std::string& around) { return inside(path, around); });
}

std::vector<fault> collector::sorted() const {
  auto out = faults_;
  std::ranges::sort(out, {}, [](const fault& f) { return std::tie(f.at, f.path, f.what); });
  return out;
}

}  // namespace gateway::settings
