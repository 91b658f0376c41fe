#include "contract/schema_check.hpp"

#include "contract/examples.hpp"
#include "onboarding/calendar.hpp"
#include "onboarding/forms.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>

namespace gateway::contract {
namespace {

namespace bj = boost::json;

const std::set<std::string> known_keywords{
    "$schema", "$defs",    "title", "description", "examples",   "$ref",
    "type",    "enum",     "const", "required",    "properties", "additionalProperties",
    "items",   "minItems", "oneOf", "pattern",     "minLength",  "maxLength",
    "minimum", "maximum",  "format"};

bool has_type(const bj::value& v, std::string_view type) {
  if (type == "object") return v.is_object();
  if (type == "array") return v.is_array();
  if (type == "string") return v.is_string();
  if (type == "boolean") return v.is_bool();
  if (type == "null") return v.is_null();
  if (type == "integer") return v.is_int64() || v.is_uint64();
  if (type == "number") return v.is_number();
  throw std::runtime_error{"unknown type " + std::string{type}};
}

class checker {
 public:
  explicit checker(const std::string& file) : root_{bj::parse(read_file(folder() / "schemas" / file))} {}

  void check(const bj::value& v) { check(v, root_, ""); }
  std::vector<std::string> faults;

 private:
  void add(const std::string& at, const std::string& what) { faults.push_back(at + ": " + what); }

  void check(const bj::value& v, const bj::value& schema, const std::string& at) {
    if (schema.is_bool()) {
      if (!schema.as_bool()) add(at, "not allowed here");
      return;
    }
    const auto& s = schema.as_object();
    for (const auto& keyword : s)
      if (!known_keywords.contains(std::string{keyword.key()}))
        throw std::runtime_error{"keyword that this check does not know: " + std::string{keyword.key()}};
    if (const auto* ref = s.if_contains("$ref")) check_reference(v, std::string{ref->as_string()}, at);
    if (const auto* type = s.if_contains("type")) check_type(v, *type, at);
    if (const auto* allowed = s.if_contains("enum"))
      if (!std::ranges::count(allowed->as_array(), v)) add(at, "none of " + bj::serialize(*allowed));
    if (const auto* constant = s.if_contains("const"))
      if (v != *constant) add(at, "not " + bj::serialize(*constant));
    if (const auto* any = s.if_contains("oneOf")) check_one_of(v, any->as_array(), at);
    if (v.is_object()) check_object(v.get_object(), s, at);
    if (v.is_array()) check_array(v.get_array(), s, at);
    if (v.is_string()) check_string(std::string{v.get_string()}, s, at);
    if (v.is_number()) check_number(v.to_number<double>(), s, at);
  }

  void check_reference(const bj::value& v, const std::string& reference, const std::string& at) {
    if (reference.starts_with('#')) {
      check(v, root_.at_pointer(reference.substr(1)), at);
      return;
    }
    checker other{std::filesystem::path{reference}.filename().string()};
    other.check(v);
    for (const auto& fault : other.faults) faults.push_back(at + fault);
  }

  void check_type(const bj::value& v, const bj::value& type, const std::string& at) {
    const auto fits = [&](const bj::value& t) {
      return has_type(v, std::string_view{t.as_string().data(), t.as_string().size()});
    };
    if (type.is_string() ? !fits(type) : std::ranges::none_of(type.as_array(), fits))
      add(at, "not of type " + bj::serialize(type));
  }

  void check_one_of(const bj::value& v, const bj::array& choices, const std::string& at) {
    std::size_t fitting = 0;
    for (const auto& choice : choices) {
      checker one{*this};
      one.faults.clear();
      one.check(v, choice, at);
      fitting += one.faults.empty();
    }
    if (fitting != 1) add(at, "fits " + std::to_string(fitting) + " of the choices");
  }

  void check_object(const bj::object& v, const bj::object& s, const std::string& at) {
    if (const auto* required = s.if_contains("required"))
      for (const auto& name : required->as_array())
        if (!v.contains(name.as_string())) add(at, "lacks " + bj::serialize(name));
    const auto* properties = s.if_contains("properties");
    const auto* additional = s.if_contains("additionalProperties");
    for (const auto& member : v) {
      const auto* schema = properties ? properties->as_object().if_contains(member.key()) : nullptr;
      if (!schema) schema = additional;
      if (schema) check(member.value(), *schema, at + "/" + std::string{member.key()});
    }
  }

  void check_array(const bj::array& v, const bj::object& s, const std::string& at) {
    if (const auto* least = s.if_contains("minItems"); least && v.size() < least->to_number<std::size_t>())
      add(at, "too short");
    if (const auto* items = s.if_contains("items"))
      for (std::size_t i = 0; i < v.size(); ++i) check(v[i], *items, at + "/" + std::to_string(i));
  }

  void check_string(const std::string& v, const bj::object& s, const std::string& at) {
    if (const auto* pattern = s.if_contains("pattern"))
      if (!std::regex_search(v.substr(0, 1000), std::regex{std::string{pattern->as_string()}}))
        add(at, "not of the pattern " + bj::serialize(*pattern));
    if (const auto* least = s.if_contains("minLength"); least && v.size() < least->to_number<std::size_t>())
      add(at, "too short");
    if (const auto* most = s.if_contains("maxLength"); most && v.size() > most->to_number<std::size_t>())
      add(at, "too long");
    if (const auto* format = s.if_contains("format")) {
      if (*format == "uuid" && !onboarding::is_uuid(v)) add(at, "no UUID");
      if (*format == "date-time" && (v.size() < 20 || !onboarding::earliest_expiry(v, {})))
        add(at, "no RFC 3339 date-time");
    }
  }

  void check_number(double v, const bj::object& s, const std::string& at) {
    if (const auto* least = s.if_contains("minimum"); least && v < least->to_number<double>()) add(at, "too small");
    if (const auto* most = s.if_contains("maximum"); most && v > most->to_number<double>()) add(at, "too large");
  }

  bj::value root_;
};

}  // namespace

std::vector<std::string> schema_faults(const boost::json::value& value, const std::string& schema_file) {
  checker c{schema_file};
  c.check(value);
  return c.faults;
}

}  // namespace gateway::contract
