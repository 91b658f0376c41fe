#include "settings/reader.hpp"
#include "settings/suggestion.hpp"

#include <algorithm>

namespace gateway::settings {

mapping::mapping(const spot& s) : in_{s.in}, path_{s.path}, readable_{expect_map(s)} {
  if (!readable_) return;
  for (const auto& entry : s.node) {
    const YAML::Node& key = entry.first;
    const YAML::Node& value = entry.second;
    const auto key_at = place_of(key, s.at);
    if (!key.IsScalar()) {
      in_->faults.add(path_.empty() ? "?" : path_ + ".?", key_at,
                      "is no plain word: every key must be a single string");
      continue;
    }
    const auto& name = key.Scalar();
    const auto path = member(path_, name);
    const auto same = [&](const auto& m) { return m.first == name; };
    if (std::ranges::any_of(members_, same)) {
      const auto first = in_->faults.place_of(path);
      in_->faults.add(path, key_at,
                      "stands here a second time (first in line " + std::to_string(first.line) + ", column " +
                          std::to_string(first.column) + ")");
      continue;
    }
    in_->faults.remember(path, key_at);
    members_.emplace_back(name, spot{in_, path, value.IsNull() ? key_at : place_of(value, key_at), value});
  }
}

const spot* mapping::find(std::string_view name) {
  known_.emplace_back(name);
  const auto found = std::ranges::find(members_, name, [](const auto& m) { return std::string_view{m.first}; });
  return found == members_.end() ? nullptr : &found->second;
}

void mapping::missing(std::string_view name, std::string_view what_to_do) {
  in_->faults.add(member(path_, name), "is missing" + std::string{what_to_do});
}

void mapping::secret(std::string_view name, secret_value& target, bool is_required) {
  const auto file_name = std::string{name} + "_file";
  const auto* in_place = find(name);
  const auto* from_file = find(file_name);
  if (in_place != nullptr && from_file != nullptr)
    return from_file->wrong("stands beside " + std::string{name} + ": only one of the two may be given");
  if (in_place != nullptr) return read_secret(*in_place, false, target);
  if (from_file != nullptr) return read_secret(*from_file, true, target);
  if (is_required) missing(name, ": write " + std::string{name} + " or " + file_name);
}

void mapping::finish() {
  const std::vector<std::string_view> known{known_.begin(), known_.end()};
  for (const auto& [name, one] : members_) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto what = name == "<<"
                          ? std::string{"merge keys are not supported: repeat the keys, or use *alias as a value"}
                          : "is no known key" + hint(name, known);
    in_->faults.add(one.path, in_->faults.place_of(one.path), what);
  }
}

}  // namespace gateway::settings
