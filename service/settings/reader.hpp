#pragma once
// Walks a YAML tree along the tables of keys/ and fills the plain structs. Whatever is wrong is added to the collector,
// and reading goes on, so that all faults come out at once.

#include "settings/choices.hpp"
#include "settings/collector.hpp"
#include "settings/configuration.hpp"
#include "settings/environment.hpp"
#include "settings/rules.hpp"

#include <yaml-cpp/yaml.h>

#include <concepts>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gateway::settings {

struct context {
  collector& faults;
  const environment& env;
  std::filesystem::path folder;  // relative paths of the file start here
};

// A value in the file.
struct spot {
  context* in;
  std::string path;
  place at;
  YAML::Node node;

  void wrong(std::string what) const { in->faults.add_unreadable(path, at, std::move(what)); }
};

place place_of(const YAML::Node& node, place otherwise);

// Reads one value; false: a fault was added and the target is as it was.
bool read_scalar(const spot& s, bool& target);
bool read_scalar(const spot& s, std::uint16_t& target);
bool read_scalar(const spot& s, std::uint32_t& target);
bool read_scalar(const spot& s, double& target);
bool read_scalar(const spot& s, milliseconds& target);
bool read_scalar(const spot& s, byte_size& target);
bool read_scalar(const spot& s, utc_offset& target);
bool read_scalar(const spot& s, url& target);
bool read_scalar(const spot& s, boost::asio::ip::address& target);
bool read_scalar(const spot& s, std::string& target);
bool read_scalar(const spot& s, std::filesystem::path& target);
bool read_scalar(const spot& s, key_digest& target);
bool read_scalar(const spot& s, host_pattern& target);
bool read_scalar(const spot& s, thread_setting& target);
bool read_choice(const spot& s, std::span<const std::string_view> words, std::size_t& index);
void read_overrides(const spot& s, std::vector<host_override>& target);
void read_secret(const spot& s, bool is_file, secret_value& target);
bool expect_list(const spot& s);
bool expect_map(const spot& s);

// A YAML mapping read by a table: the table calls it once per key, and finish() reports what no row asked for.
class mapping {
 public:
  explicit mapping(const spot& s);  // adds a fault if it is no mapping
  mapping(context& in, std::string path) : in_{&in}, path_{std::move(path)}, readable_{true} {}  // an absent one

  template <class T, class... Rules>
  void operator()(std::string_view name, T& target, const Rules&... rules);

  void finish();

  // Every member, for maps whose names the user chooses. Reports names that are no scalars or stand twice.
  const std::vector<std::pair<std::string, spot>>& members() const noexcept { return members_; }
  bool readable() const noexcept { return readable_; }

 private:
  const spot* find(std::string_view name);
  void missing(std::string_view name, std::string_view what_to_do = "");
  void secret(std::string_view name, secret_value& target, bool is_required);

  context* in_;
  std::string path_;
  bool readable_ = false;
  std::vector<std::pair<std::string, spot>> members_;
  std::vector<std::string> known_;
};

template <class T>
concept section = requires(mapping& see, T& value) { describe(see, value); };

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;

template <class T>
inline constexpr bool is_named = false;
template <class T>
inline constexpr bool is_named<std::map<std::string, T>> = true;

template <class Tag, class... Rules>
inline constexpr bool has = (std::same_as<Tag, Rules> || ...);

template <class... Rules>
inline constexpr std::string_view empty =
    has<required_tag, Rules...> ? "is empty: name at least one" : "is empty: leave the key out, or name at least one";

bool read_json_object(const spot& s, boost::json::object& target);

template <class T, class... Rules>
void read(const spot& s, T& target, const Rules&... rules);

template <class T, class Rule>
void apply(const spot& s, const T& value, const Rule& rule) {
  if constexpr (std::invocable<const Rule&, const T&>)
    if (auto what = rule(value)) s.wrong(std::move(*what));
}

template <class Rule>
void apply_to_name(const spot& s, std::string_view name, const Rule& rule) {
  if constexpr (std::same_as<Rule, named_by>)
    if (auto what = rule.check(name)) s.in->faults.add(s.path, std::move(*what));
}

template <class T, class... Rules>
void read_list(const spot& s, std::vector<T>& target, const Rules&... rules) {
  target.clear();
  if (!section<T> && s.node.IsScalar()) {  // one value stands for a list of one
    read(s, target.emplace_back(), rules...);
    return;
  }
  if (!expect_list(s)) return;
  if (has<not_empty_tag, Rules...> && s.node.size() == 0) s.wrong(std::string{empty<Rules...>});
  for (std::size_t i = 0; i < s.node.size(); ++i) {
    const spot one{s.in, element(s.path, i), place_of(s.node[i], s.at), s.node[i]};
    s.in->faults.remember(one.path, one.at);
    read(one, target.emplace_back(), rules...);
  }
}

template <class T, class... Rules>
void read_named(const spot& s, std::map<std::string, T>& target, const Rules&... rules) {
  target.clear();
  const mapping all{s};
  if (!all.readable()) return;
  if (has<not_empty_tag, Rules...> && all.members().empty()) s.wrong(std::string{empty<Rules...>});
  for (const auto& [name, one] : all.members()) {
    (apply_to_name(one, name, rules), ...);
    read(one, target[name], rules...);
  }
}

template <class T>
void read_section(const spot& s, T& target) {
  mapping members{s};
  if (!members.readable()) return;
  describe(members, target);
  members.finish();
}

template <class T, class... Rules>
void read(const spot& s, T& target, const Rules&... rules) {
  if constexpr (is_optional<T>) {
    target.emplace();
    read(s, *target, rules...);
  } else if constexpr (std::same_as<T, session_reuse>) {
    if (s.node.IsScalar())
      read(s, target.lifetime, rules...);
    else
      read_section(s, target);
  } else if constexpr (std::same_as<T, std::vector<host_override>>) {
    read_overrides(s, target);
  } else if constexpr (std::same_as<T, boost::json::object>) {
    read_json_object(s, target);
  } else if constexpr (choice<T>) {
    constexpr auto words = choices(T{});
    if (std::size_t index = 0; read_choice(s, words, index)) target = static_cast<T>(index);
  } else if constexpr (section<T>) {
    read_section(s, target);
  } else if constexpr (is_list<T>) {
    read_list(s, target, rules...);
  } else if constexpr (is_named<T>) {
    read_named(s, target, rules...);
  } else if (read_scalar(s, target)) {
    (apply(s, target, rules), ...);
  }
}

template <class T, class... Rules>
void mapping::operator()(std::string_view name, T& target, const Rules&... rules) {
  if constexpr (std::same_as<T, secret_value>) {
    secret(name, target, has<required_tag, Rules...>);
  } else if (const auto* found = find(name)) {
    read(*found, target, rules...);
  } else if constexpr (has<required_tag, Rules...>) {
    missing(name);
  } else if constexpr (section<T> && !std::same_as<T, session_reuse>) {
    mapping absent{*in_, member(path_, name)};  // its required keys are missing all the same
    describe(absent, target);
  }
}

}  // namespace gateway::settings
