#include "simulator/model/validation.hpp"

#include "simulator/model/text_forms.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <span>

namespace simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_url = 8000;

// Collects Pydantic's error objects for one body.
class faults {
 public:
  void add(std::string_view member, std::string_view type, std::string_view message, json::object context = {}) {
    json::object entry{{"type", type}, {"loc", json::array{"body", "payload"}}, {"msg", message}};
    if (!member.empty()) entry["loc"].as_array().emplace_back(member);
    if (!context.empty()) entry["ctx"] = std::move(context);
    list_.emplace_back(std::move(entry));
  }
  bool none() const noexcept { return list_.empty(); }
  response answer() const { return json_answer(422, json::serialize(json::object{{"detail", list_}})); }

 private:
  json::array list_;
};

// The members of one object with the rules that Pydantic would hold them to.
class reader {
 public:
  reader(const json::object& members, faults& found) : members_{&members}, faults_{&found} {}

  std::string required_text(std::string_view name) {
    const auto* value = members_->if_contains(name);
    if (!value) {
      faults_->add(name, "missing", "Field required");
      return {};
    }
    return text_of(name, *value);
  }

  std::string optional_text(std::string_view name) {
    const auto* value = members_->if_contains(name);
    return !value || value->is_null() ? std::string{} : text_of(name, *value);
  }

  bool optional_flag(std::string_view name) {
    const auto* value = members_->if_contains(name);
    if (!value || value->is_null()) return false;
    if (value->is_bool()) return value->get_bool();
    faults_->add(name, "bool_type", "Input should be a valid boolean");
    return false;
  }

  std::string required_uuid(std::string_view name) {
    const auto* value = members_->if_contains(name);
    if (value) return uuid_of(name, *value);
    faults_->add(name, "missing", "Field required");
    return {};
  }

  void optional_uuid(std::string_view name) {
    const auto* value = members_->if_contains(name);
    if (value && !value->is_null()) uuid_of(name, *value);
  }

  std::string required_url(std::string_view name) {
    auto url = required_text(name);
    if (url.empty() && !was_empty_text(name)) return url;  // reported already
    if (count_characters(url) > longest_url)
      faults_->add(name, "string_too_long", "String should have at most 8000 characters",
                   {{"max_length", longest_url}});
    else if (!is_absolute_url(url))
      faults_->add(name, "url_parsing", "Input should be a valid URL, relative URL without a base",
                   {{"error", "relative URL without a base"}});
    return url;
  }

  std::string required_match(std::string_view name, bool (*matches)(std::string_view), std::string_view pattern) {
    auto text = required_text(name);
    if (text.empty() && !was_empty_text(name)) return text;
    if (!matches(text))
      faults_->add(name, "string_pattern_mismatch", "String should match pattern '" + std::string{pattern} + "'",
                   {{"pattern", pattern}});
    return text;
  }

  std::string optional_object(std::string_view name) {
    const auto* value = members_->if_contains(name);
    if (!value || value->is_null()) return "{}";
    if (value->is_object()) return json::serialize(*value);
    faults_->add(name, "dict_type", "Input should be a valid dictionary");
    return "{}";
  }

  bool was_empty_text(std::string_view name) const {
    const auto* value = members_->if_contains(name);
    return value && value->is_string() && value->get_string().empty();
  }

 private:
  static bool is_absolute_url(std::string_view url) {
    const auto colon = url.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == url.size()) return false;
    const auto scheme = url.substr(0, colon);
    const bool named =
        std::isalpha(static_cast<unsigned char>(scheme.front())) != 0 && std::ranges::all_of(scheme, [](char c) {
          return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
        });
    return named && std::ranges::none_of(url, is_control_or_space) && to_lower(scheme) != "javascript" &&
           to_lower(scheme) != "data";
  }

  std::string text_of(std::string_view name, const json::value& value) {
    if (value.is_string()) return std::string{value.get_string()};
    faults_->add(name, "string_type", "Input should be a valid string");
    return {};
  }

  std::string uuid_of(std::string_view name, const json::value& value) {
    if (!value.is_string()) {
      faults_->add(name, "uuid_type", "UUID input should be a string, bytes or UUID object");
      return {};
    }
    const std::string_view text{value.get_string()};
    if (is_uuid(text)) return to_lower(text);
    faults_->add(name, "uuid_parsing", "Input should be a valid UUID, the form is 8-4-4-4-12 hexadecimal digits",
                 {{"error", "the form is 8-4-4-4-12 hexadecimal digits"}});
    return {};
  }

  const json::object* members_;
  faults* faults_;
};

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}

bool is_language(std::string_view text) {
  if (text.size() != 2 && text.size() != 5) return false;
  if (!is_lower(text[0]) || !is_lower(text[1])) return false;
  return text.size() == 2 || ((text[2] == '-' || text[2] == '_') && is_upper(text[3]) && is_upper(text[4]));
}

bool is_price_zone(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return is_upper(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::expected<json::object, response> read_object(std::string_view body) {
  boost::system::error_code error;
  auto value = json::parse(body, error);
  if (error) return std::unexpected{detail(400, "Cannot parse request body")};
  if (value.is_object()) return std::move(value.get_object());
  faults found;
  found.add("", "model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
  return std::unexpected{found.answer()};
}

}  // namespace

std::expected<session_wishes, response> read_session_wishes(std::string_view body) {
  const auto members = read_object(body);
  if (!members) return std::unexpected{members.error()};
  faults found;
  reader read{*members, found};
  session_wishes wishes;
  wishes.language = read.required_match("language", is_language, "^[a-z]{2}([-_][A-Z]{2})?$");
  wishes.price_zone_default = read.required_match("price_zone_default", is_price_zone, "^[A-Z0-9_]+$");
  wishes.smart_optimization = read.optional_flag("is_smart_optimization_active_default");
  wishes.success_url = read.required_url("success_url");
  wishes.cancel_url = read.required_url("cancel_url");
  wishes.user_id = read.required_uuid("user_id");
  read.optional_uuid("building_id");
  wishes.external_metadata = read.optional_object("external_metadata");
  if (!found.none()) return std::unexpected{found.answer()};
  return wishes;
}

std::expected<user_wishes, response> read_user_wishes(std::string_view body) {
  const auto members = read_object(body);
  if (!members) return std::unexpected{members.error()};
  faults found;
  reader read{*members, found};
  user_wishes wishes;
  wishes.role = read.required_text("role");
  wishes.email = read.required_text("email");
  wishes.external_user_id = read.optional_text("external_user_id");
  const auto at = wishes.email.find('@');
  const bool reported = wishes.email.empty() && !read.was_empty_text("email");
  if (!reported && (at == std::string::npos || at == 0 || at + 1 == wishes.email.size()))
    found.add("email", "value_error",
              "value is not a valid email address: An email address must have an @-sign between two parts.");
  if (!found.none()) return std::unexpected{found.answer()};
  return wishes;
}

std::expected<void, response> check_path_uuid(std::string_view name, std::string_view value) {
  if (is_uuid(value)) return {};
  json::object entry{{"type", "uuid_parsing"},
                     {"loc", json::array{"path", name}},
                     {"msg", "Input should be a valid UUID, the form is 8-4-4-4-12 hexadecimal digits"}};
  return std::unexpected{json_answer(422, json::serialize(json::object{{"detail", json::array{std::move(entry)}}}))};
}

response detail(unsigned status, std::string_view text) {
  return json_answer(status, json::serialize(json::object{{"detail", text}}));
}

response json_answer(unsigned status, std::string body) {
  return {.status = status, .headers = {{"Content-Type", "application/json; charset=utf-8"}}, .body = std::move(body)};
}

}  // namespace simulator
