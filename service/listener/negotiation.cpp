#include "listener/negotiation.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <charconv>
#include <string>

#include "foundation/http/grammar.hpp"

namespace gateway::listener {
namespace {

using boost::beast::iequals;
using http::trimmed;

// Of the next separator that does not stand in a quoted string (RFC 9110 section 5.6.4).
std::size_t find_separator(std::string_view text, char separator) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (!quoted && text[i] == separator) return i;
  }
  return std::string_view::npos;
}

// The part before the next separator; what is left stays in `rest`.
std::string_view next_part(std::string_view& rest, char separator) noexcept {
  const auto end = find_separator(rest, separator);
  const auto part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return trimmed(part);
}

bool has_quality_zero(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const auto parameter = next_part(parameters, ';');
    if (parameter.size() < 3 || !iequals(parameter.substr(0, 2), "q=")) continue;
    return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

// How closely a media range names JSON: 0 not at all.
int closeness(std::string_view range) noexcept {
  if (iequals(range, "application/json") || iequals(range, "application/problem+json")) return 3;
  if (iequals(range, "application/*")) return 2;
  if (iequals(range, "*/*")) return 1;
  return 0;
}

// In thousandths (RFC 9110 section 12.4.2); what cannot be read is 1.
int quality(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const auto parameter = next_part(parameters, ';');
    if (parameter.size() < 3 || !iequals(parameter.substr(0, 2), "q=")) continue;
    const auto text = parameter.substr(2);
    if (text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) return 1000;
    int value = text[0] == '1' ? 1000 : 0;
    int place = 100;
    for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
      if (c < '0' || c > '9') return 1000;
      value += (c - '0') * place;
      place /= 10;
    }
    return std::min(value, 1000);
  }
  return 1000;
}

// How much one form is wanted, by the range that names it most closely.
struct wish {
  int closeness = 0;  // 3: by its name
  int thousandths = 0;

  void hear(std::string_view range, int quality_of_range, std::string_view name) noexcept {
    const auto subtype = name.find('/');
    int close = 0;
    if (iequals(range, name))
      close = 3;
    else if (range.size() == subtype + 2 && range.ends_with("/*") &&
             iequals(range.substr(0, subtype), name.substr(0, subtype)))
      close = 2;
    else if (range == "*/*")
      close = 1;
    if (close == 0 || close < closeness) return;
    thousandths = close == closeness ? std::max(thousandths, quality_of_range) : quality_of_range;
    closeness = close;
  }
};

// Of the parameters of a Content-Type: the charset, where there is one.
bool is_utf8(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const auto parameter = next_part(parameters, ';');
    if (parameter.size() < 8 || !iequals(parameter.substr(0, 8), "charset=")) continue;
    auto charset = parameter.substr(8);
    if (charset.size() >= 2 && charset.front() == '"') charset = charset.substr(1, charset.size() - 2);
    return iequals(charset, "utf-8") || iequals(charset, "utf8");
  }
  return true;
}

}  // namespace

bool accepts_json(std::optional<std::string_view> accept) noexcept {
  if (!accept || trimmed(*accept).empty()) return true;
  // What nearly everybody sends; the long way takes ten times as many instructions.
  if (iequals(*accept, "application/json") || *accept == "*/*") return true;
  auto rest = *accept;
  int closest = 0;
  bool wanted = false;
  while (!rest.empty()) {
    auto parameters = next_part(rest, ',');
    const auto range = next_part(parameters, ';');
    const int close = closeness(range);
    if (close == 0 || close < closest) continue;
    const bool here = !has_quality_zero(parameters);
    wanted = close == closest ? wanted || here : here;
    closest = close;
  }
  return wanted;
}

bool accepts_json(const http::field_list& fields) {
  if (fields.count(http::field::accept) < 2) return accepts_json(fields.get(http::field::accept));
  std::string all;
  for (const auto& f : fields.all())
    if (f.id == http::field::accept) all += std::string{f.value} + ",";
  return accepts_json(std::optional<std::string_view>{all});
}

std::optional<page_form> preferred_page(const http::field_list& fields) {
  wish html;
  wish json;
  bool said = false;
  for (const auto& f : fields.all()) {
    if (f.id != http::field::accept) continue;
    auto rest = f.value;
    while (!rest.empty()) {
      auto parameters = next_part(rest, ',');
      const auto range = next_part(parameters, ';');
      if (range.empty()) continue;
      said = true;
      const int worth = quality(parameters);
      html.hear(range, worth, "text/html");
      for (const auto* name : {"application/json", "application/problem+json"}) json.hear(range, worth, name);
    }
  }
  if (!said) return page_form::json;
  if (html.thousandths == 0 && json.thousandths == 0) return std::nullopt;
  if (html.thousandths != json.thousandths)
    return html.thousandths > json.thousandths ? page_form::html : page_form::json;
  return html.closeness > json.closeness ? page_form::html : page_form::json;
}

bool is_json(std::optional<std::string_view> content_type) noexcept {
  if (!content_type) return false;
  if (iequals(*content_type, "application/json")) return true;
  auto parameters = *content_type;
  const auto type = next_part(parameters, ';');
  const bool json =
      iequals(type, "application/json") || (type.size() > 5 && iequals(type.substr(type.size() - 5), "+json"));
  return json && is_utf8(parameters);
}

bool is_ndjson(std::optional<std::string_view> content_type) noexcept {
  if (!content_type) return false;
  auto parameters = *content_type;
  const auto type = next_part(parameters, ';');
  return iequals(type, "application/x-ndjson") && is_utf8(parameters);
}

bool names_ndjson(const http::field_list& fields) noexcept {
  for (const auto& f : fields.all()) {
    if (!iequals(f.name, "Accept")) continue;
    auto rest = f.value;
    while (!rest.empty()) {
      auto one = next_part(rest, ',');
      if (iequals(next_part(one, ';'), "application/x-ndjson")) return true;
    }
  }
  return false;
}

preferences read_preferences(const http::field_list& fields) noexcept {
  preferences found;
  bool wait_seen = false;
  bool reuse_seen = false;
  for (const auto& f : fields.all()) {
    if (!iequals(f.name, "Prefer")) continue;
    auto rest = f.value;
    while (!rest.empty()) {
      auto preference = next_part(rest, ',');
      preference = next_part(preference, ';');  // without its parameters
      const auto name = next_part(preference, '=');
      auto value = trimmed(preference);
      if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
      // The first of a name counts (RFC 7240 section 2).
      if (iequals(name, "reuse") && !std::exchange(reuse_seen, true)) found.reuse = !iequals(value, "no");
      if (!iequals(name, "wait") || std::exchange(wait_seen, true)) continue;
      unsigned seconds = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
      if (error == std::errc{} && end == value.data() + value.size()) found.wait = std::chrono::seconds{seconds};
    }
  }
  return found;
}

}  // namespace gateway::listener
