#include "settings/reader.hpp"

#include "settings/substitution.hpp"
#include "settings/suggestion.hpp"

#include <algorithm>
#include <limits>

namespace gateway::settings {
namespace {

std::string kind_of(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  return "a single value";
}

constexpr std::string_view no_value = "has no value: write one, or leave the key out";

struct scalar {
  std::string text;
  bool is_string = false;  // written in quotes, so that it is a string and no number
};

// The text of a single value with everything put in; nothing, with faults added, if there is none.
std::optional<scalar> text_of(const spot& s, std::string_view wanted) {
  if (s.node.IsNull()) {
    s.wrong(std::string{no_value});
    return std::nullopt;
  }
  if (!s.node.IsScalar()) {
    s.wrong("must be " + std::string{wanted} + ", not " + kind_of(s.node));
    return std::nullopt;
  }
  auto [text, substituted, complaints] = expand(s.node.Scalar(), s.in->folder, s.in->env);
  for (auto& what : complaints) s.wrong(std::move(what));
  if (!complaints.empty()) return std::nullopt;
  return scalar{std::move(text), s.node.Tag() == "!" && !substituted};
}

template <class T>
bool take(const spot& s, parsed<T> value, T& target) {
  if (!value) {
    s.wrong(std::move(value.error()));
    return false;
  }
  target = std::move(*value);
  return true;
}

bool reject_string(const spot& s, const scalar& value, std::string_view wanted) {
  if (!value.is_string) return false;
  s.wrong("must be " + std::string{wanted} + ", not the string " + in_quotes(value.text) + ": write it without quotes");
  return true;
}

template <std::unsigned_integral T>
bool read_whole(const spot& s, T& target) {
  const auto value = text_of(s, "a whole number");
  if (!value || reject_string(s, *value, "a whole number")) return false;
  const auto number = parse_whole_number(value->text);
  if (number && *number > std::numeric_limits<T>::max()) {
    s.wrong(show(*number) + " is out of range: it must be from 0 to " + show(std::numeric_limits<T>::max()));
    return false;
  }
  if (!number) {
    s.wrong(number.error());
    return false;
  }
  target = static_cast<T>(*number);
  return true;
}

template <class T>
bool read_text(const spot& s, std::string_view wanted, parsed<T> (*parse)(std::string_view), T& target) {
  const auto value = text_of(s, wanted);
  return value && take(s, parse(value->text), target);
}

}  // namespace

place place_of(const YAML::Node& node, place otherwise) {
  const auto mark = node.Mark();
  if (mark.is_null() || (node.IsNull() && mark.line == 0 && mark.column == 0)) return otherwise;
  return {mark.line + 1, mark.column + 1};
}

bool read_scalar(const spot& s, bool& target) {
  const auto value = text_of(s, "true or false");
  if (!value || reject_string(s, *value, "true or false")) return false;
  return take(s, parse_bool(value->text), target);
}

bool read_scalar(const spot& s, std::uint16_t& target) {
  return read_whole(s, target);
}
bool read_scalar(const spot& s, std::uint32_t& target) {
  return read_whole(s, target);
}

bool read_scalar(const spot& s, double& target) {
  const auto value = text_of(s, "a number");
  if (!value || reject_string(s, *value, "a number")) return false;
  return take(s, parse_number(value->text), target);
}

bool read_scalar(const spot& s, milliseconds& target) {
  return read_text(s, "a duration such as 5s", parse_duration, target);
}

bool read_scalar(const spot& s, byte_size& target) {
  return read_text(s, "a size such as 16KiB", parse_size, target);
}

bool read_scalar(const spot& s, utc_offset& target) {
  return read_text(s, "an offset from UTC such as +03:00", parse_utc_offset, target);
}

bool read_scalar(const spot& s, url& target) {
  return read_text(s, "a URL", parse_url, target);
}

bool read_scalar(const spot& s, boost::asio::ip::address& target) {
  return read_text(s, "an IP address", parse_address, target);
}

bool read_scalar(const spot& s, std::string& target) {
  auto value = text_of(s, "a string");
  if (!value) return false;
  target = std::move(value->text);
  if (!target.empty()) return true;
  s.wrong("is empty");
  return false;
}

bool read_scalar(const spot& s, std::filesystem::path& target) {
  std::string text;
  if (!read_scalar(s, text)) return false;
  target = below(s.in->folder, text);
  return true;
}

bool read_scalar(const spot& s, key_digest& target) {
  return read_text(s, "the SHA-256 of a key as 64 hexadecimal digits", parse_digest, target);
}

bool read_scalar(const spot& s, host_pattern& target) {
  std::string text;
  if (!read_scalar(s, text)) return false;
  auto pattern = host_pattern::parse(text);
  if (!pattern) pattern = std::unexpected(in_quotes(text) + " " + pattern.error());
  return take(s, std::move(pattern), target);
}

bool read_scalar(const spot& s, thread_setting& target) {
  const auto value = text_of(s, "auto or a whole number");
  if (!value) return false;
  if (value->text == "auto") {
    target = {};
    return true;
  }
  const auto number = parse_whole_number(value->text);
  if (!value->is_string && number && *number >= 1 && *number <= 256) {
    target.count = static_cast<std::uint32_t>(*number);
    return true;
  }
  s.wrong(in_quotes(value->text) + " is neither auto nor a whole number from 1 to 256");
  return false;
}

bool read_choice(const spot& s, std::span<const std::string_view> words, std::size_t& index) {
  std::string list;
  for (const auto word : words) list += (list.empty() ? "" : ", ") + std::string{word};
  const auto value = text_of(s, "one of " + list);
  if (!value) return false;
  const auto found = std::ranges::find(words, value->text);
  if (found != words.end()) {
    index = static_cast<std::size_t>(found - words.begin());
    return true;
  }
  const auto meant = nearest(value->text, words);
  const auto end = meant && value->text.size() > 3 ? " (did you mean " + std::string{*meant} + "?)" : std::string{};
  s.wrong(in_quotes(value->text) + " is not one of " + list + end);
  return false;
}

void read_overrides(const spot& s, std::vector<host_override>& target) {
  target.clear();
  for (const mapping all{s}; const auto& [from, one] : all.members()) {
    std::string to;
    if (!read_scalar(one, to)) continue;
    if (host_override value; take(one, parse_override(from, to), value)) {
      const auto same = [&](const host_override& o) { return o.host == value.host && o.port == value.port; };
      if (std::ranges::any_of(target, same)) one.wrong("stands here twice, differing in case only");
      target.push_back(std::move(value));
    }
  }
}

bool expect_list(const spot& s) {
  if (s.node.IsSequence()) return true;
  s.wrong(s.node.IsNull() ? std::string{no_value} : "must be a list such as [a, b], not " + kind_of(s.node));
  return false;
}

bool expect_map(const spot& s) {
  if (s.node.IsMap()) return true;
  s.wrong(s.node.IsNull() ? "is empty: write its keys below it, or leave it out"
                          : "must be a mapping (key: value), not " + kind_of(s.node));
  return false;
}

}  // namespace gateway::settings
