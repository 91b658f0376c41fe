// The arbitrary members of `defaults`: YAML to JSON by the core schema of YAML 1.2 (chapter 10.3). What is in quotes is
// a string; true and false are booleans (yes, no, on and off are strings); decimal numbers are
// numbers; what has a ${...} in it is a string.
#include "settings/reader.hpp"
#include "settings/substitution.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace gateway::settings {
namespace {

namespace json = boost::json;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view digits_at(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

// [-+]?[0-9]+
bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && digits_at(text).size() == text.size();
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool is_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto whole = digits_at(text).size();
  text.remove_prefix(whole);
  std::size_t fraction = 0;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = digits_at(text).size();
    text.remove_prefix(fraction);
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  return (text.front() == 'e' || text.front() == 'E') && is_integer(text.substr(1));
}

bool is_infinity_or_nan(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

template <class Number>
std::optional<json::value> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return json::value(value);
}

class converter {
 public:
  // Nothing if faults were added.
  std::optional<json::value> object(const spot& s, int depth) {
    json::object out;
    bool good = true;
    for (const mapping all{s}; const auto& [name, one] : all.members()) {
      if (auto v = value(one, depth + 1))
        out.insert_or_assign(name, std::move(*v));
      else
        good = false;
    }
    if (!good) return std::nullopt;
    return out;
  }

 private:
  std::optional<json::value> value(const spot& s, int depth) {
    constexpr int deepest = 32;
    constexpr int most = 10'000;  // aliases can make a short file endless
    if (stopped_) return std::nullopt;
    if (depth > deepest) return stop(s, "is nested too deeply (more than 32 levels)");
    if (++count_ > most) return stop(s, "has more than 10000 values");
    if (s.node.IsNull()) return json::value(nullptr);
    if (s.node.IsScalar()) return scalar(s);
    if (s.node.IsSequence()) return list(s, depth);
    return object(s, depth);
  }

  std::optional<json::value> list(const spot& s, int depth) {
    json::array out;
    bool good = true;
    for (std::size_t i = 0; i < s.node.size(); ++i) {
      if (auto v = value(spot{s.in, element(s.path, i), place_of(s.node[i], s.at), s.node[i]}, depth + 1))
        out.push_back(std::move(*v));
      else
        good = false;
    }
    if (!good) return std::nullopt;
    return out;
  }

  static std::optional<json::value> refuse(const spot& s, std::string what) {
    s.wrong(std::move(what));
    return std::nullopt;
  }

  std::optional<json::value> stop(const spot& s, std::string what) {
    stopped_ = true;
    return refuse(s, std::move(what));
  }

  static std::optional<json::value> scalar(const spot& s) {
    const auto& tag = s.node.Tag();
    auto [text, substituted, complaints] = expand(s.node.Scalar(), s.in->folder, s.in->env);
    for (auto& what : complaints) s.wrong(std::move(what));
    if (!complaints.empty()) return std::nullopt;
    if (substituted || tag == "!" || tag == "tag:yaml.org,2002:str") return json::value(json::string_view{text});
    return plain(s, text);
  }

  static std::optional<json::value> plain(const spot& s, std::string_view text) {
    if (text == "true" || text == "True" || text == "TRUE") return json::value(true);
    if (text == "false" || text == "False" || text == "FALSE") return json::value(false);
    if (is_infinity_or_nan(text)) return refuse(s, in_quotes(text) + " has no form in JSON");
    const auto unsigned_text = text.starts_with('+') ? text.substr(1) : text;
    std::optional<json::value> value;
    if (is_integer(text)) {
      value = number<std::int64_t>(unsigned_text);
      if (!value) value = number<std::uint64_t>(unsigned_text);
    } else if (is_float(text)) {
      value = number<double>(unsigned_text);
    } else {
      return json::value(json::string_view{text.data(), text.size()});
    }
    if (!value) return refuse(s, in_quotes(text) + " is too large a number; in quotes it would be a string");
    return value;
  }

  int count_ = 0;
  bool stopped_ = false;
};

}  // namespace

bool read_json_object(const spot& s, json::object& target) {
  converter convert;
  target.clear();
  if (!expect_map(s)) return false;
  auto value = convert.object(s, 0);
  if (!value) return false;
  target = std::move(value->as_object());
  for (const auto& [name, v] : target)
    if (v.is_null()) {
      const auto path = member(s.path, std::string_view{name});
      s.in->faults.add(path, "has no value: write one, or leave the key out");
    }
  return true;
}

}  // namespace gateway::settings
