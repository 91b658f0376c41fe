#include "onboarding/upstream_details.hpp"

#include "foundation/json/write.hpp"

#include <boost/json/parse.hpp>

#include <array>
#include <utility>

namespace gateway::onboarding {
namespace {

constexpr std::size_t body_limit = 64 * 1024;
constexpr std::size_t text_limit = 300;
constexpr std::size_t fault_limit = 32;
constexpr std::size_t step_limit = 100;
constexpr std::size_t steps_limit = 8;

namespace bj = boost::json;

std::string_view text_of(const bj::value* v) {
  if (!v || !v->is_string()) return {};
  return {v->get_string().data(), v->get_string().size()};
}

// One line, of bounded length: no control character of C0, DEL or C1 gets into logs, terminals or headers.
std::string shown(std::string_view text) {
  std::string out;
  const auto kept = json::cut(text, text_limit);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto c = static_cast<unsigned char>(kept[i]);
    const bool c1 = c == 0xC2 && i + 1 < kept.size() && static_cast<unsigned char>(kept[i + 1]) < 0xA0;
    if (c1) ++i;
    out += c < 0x20 || c == 0x7F || c1 ? ' ' : kept[i];
  }
  if (kept.size() < text.size()) out += "...";
  return out;
}

// Pydantic's error types in the words that our own validation uses, so that a caller needs one list only.
std::string_view code_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> exact{{
      {"missing", "missing"},
      {"value_error.missing", "missing"},
      {"extra_forbidden", "unknown-member"},
      {"uuid_parsing", "invalid-uuid"},
      {"type_error.uuid", "invalid-uuid"},
      {"url_parsing", "invalid-url"},
      {"url_scheme", "url-scheme-not-allowed"},
  }};
  for (const auto& [theirs, ours] : exact)
    if (type == theirs) return ours;
  if (type.ends_with("_type") || type.starts_with("type_error")) return "wrong-type";
  return "refused-upstream";
}

// ["body", "payload", "language"] is "#/language": the first two name the argument of a function, not the caller's
// body.
std::string pointer_of(const bj::value* loc) {
  std::string pointer = "#";
  if (!loc || !loc->is_array()) return pointer;
  const auto& steps = loc->get_array();
  std::size_t i = 0;
  if (i < steps.size() && text_of(&steps[i]) == "body") ++i;
  if (i < steps.size() && text_of(&steps[i]) == "payload") ++i;
  for (const auto end = std::min(steps.size(), i + steps_limit); i < end; ++i) {
    if (const auto* index = steps[i].if_int64(); index && *index >= 0)
      json::append_fragment_step(pointer, std::to_string(*index));
    else if (steps[i].is_string())
      json::append_fragment_step(pointer, json::cut(text_of(&steps[i]), step_limit));
    else
      break;
  }
  return pointer;
}

errors::fault fault_of(const bj::object& entry) {
  auto detail = shown(text_of(entry.if_contains("msg")));
  if (detail.empty()) detail = "Podero refuses this";
  return {.name = pointer_of(entry.if_contains("loc")),
          .code = std::string{code_of(text_of(entry.if_contains("type")))},
          .detail = std::move(detail)};
}

}  // namespace

upstream_details read_details(std::string_view body) {
  upstream_details result;
  if (body.size() > body_limit) return result;
  bj::error_code ec;
  const auto document = bj::parse({body.data(), body.size()}, ec);
  if (ec || !document.is_object()) return result;
  const auto* detail = document.get_object().if_contains("detail");
  if (!detail) return result;
  result.text = shown(text_of(detail));
  if (!detail->is_array()) return result;
  for (const auto& entry : detail->get_array()) {
    const auto* object = entry.if_object();
    if (object == nullptr) continue;
    if (result.faults.size() == fault_limit) {
      result.faults.push_back({.name = "#", .code = "refused-upstream", .detail = "more faults follow"});
      break;
    }
    result.faults.push_back(fault_of(*object));
  }
  return result;
}

}  // namespace gateway::onboarding
