#include "listener/negotiation.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <charconv>
#include <compare>

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

// The value of a parameter, without its quotes; of the first of that name.
std::optional<std::string_view> parameter_in(std::string_view parameters, std::string_view name) noexcept {
  while (!parameters.empty()) {
    const auto one = next_part(parameters, ';');
    const auto equals = one.find('=');
    if (equals == std::string_view::npos || !iequals(one.substr(0, equals), name)) continue;
    auto value = one.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
    return value;
  }
  return std::nullopt;
}

// In thousandths (RFC 9110 section 12.4.2); what cannot be read is 1.
int quality(std::string_view parameters) noexcept {
  const auto text = parameter_in(parameters, "q").value_or("1");
  if (text.empty() || text[0] == '1' || (text.size() > 1 && text[1] != '.')) return 1000;
  int value = 0;
  int place = 1000;
  for (const char c : text) {
    if (c == '.') continue;
    if (c < '0' || c > '9') return 1000;
    value += (c - '0') * place;
    place /= 10;
  }
  return std::min(value, 1000);
}

// A media type that an answer may have.
struct media_type {
  std::string_view name;
  std::string_view version{};  // none: whatever a range says of one counts for nothing
};
constexpr media_type html_type{"text/html"};
constexpr media_type json_type{"application/json"};
constexpr media_type problem_type{"application/problem+json"};
constexpr media_type ndjson_type{"application/x-ndjson"};
constexpr media_type metrics_type{"text/plain", "0.0.4"};
constexpr media_type open_metrics_type{"application/openmetrics-text", "1.0.0"};

// How closely a range names a media type.
enum class closeness : std::uint8_t { none, any, of_its_kind, by_name, by_version };

closeness closeness_of(std::string_view range, std::string_view parameters, const media_type& type) noexcept {
  if (iequals(range, type.name)) {
    const auto version = type.version.empty() ? std::nullopt : parameter_in(parameters, "version");
    if (!version) return closeness::by_name;
    return *version == type.version ? closeness::by_version : closeness::none;
  }
  const auto kind = type.name.substr(0, type.name.find('/') + 1);
  if (range.size() == kind.size() + 1 && range.ends_with('*') && iequals(range.substr(0, kind.size()), kind))
    return closeness::of_its_kind;
  return range == "*/*" ? closeness::any : closeness::none;
}

// How much a media type is wanted, by the range that names it most closely (RFC 9110 section 12.5.1). The greater one
// is wanted more.
struct wish {
  int thousandths = 0;
  closeness by = closeness::none;

  auto operator<=>(const wish&) const = default;
  void hear(closeness close, int worth) noexcept {
    if (close == closeness::none || close < by) return;
    thousandths = close == by ? std::max(thousandths, worth) : worth;
    by = close;
  }
};

// What the Accept lines say of a media type; without any, everything is wanted.
wish wish_for(const media_type& type, const http::field_list& fields) noexcept {
  wish found;
  bool any = false;
  for (const auto& f : fields.all()) {
    if (f.id != http::field::accept) continue;
    auto accept = f.value;
    while (!accept.empty()) {
      auto parameters = next_part(accept, ',');
      const auto range = next_part(parameters, ';');
      if (range.empty()) continue;
      any = true;
      found.hear(closeness_of(range, parameters, type), quality(parameters));
    }
  }
  if (!any) found.thousandths = 1000;
  return found;
}

// Who names problems takes JSON, which they are; who excludes them excludes nothing else.
wish wish_for_json(const http::field_list& fields) noexcept {
  const auto itself = wish_for(json_type, fields);
  const auto problem = wish_for(problem_type, fields);
  return problem.by == closeness::by_name ? std::max(itself, problem) : itself;
}

// Of the parameters of a Content-Type: the charset, where there is one.
bool is_utf8(std::string_view parameters) noexcept {
  const auto charset = parameter_in(parameters, "charset");
  return !charset || iequals(*charset, "utf-8") || iequals(*charset, "utf8");
}

}  // namespace

bool accepts_json(const http::field_list& fields) noexcept {
  const auto only = fields.count(http::field::accept) == 1 ? fields.get(http::field::accept) : std::nullopt;
  // What nearly everybody sends; the long way takes ten times as many instructions.
  if (only && (iequals(*only, json_type.name) || *only == "*/*")) return true;
  return wish_for_json(fields).thousandths > 0;
}

bool accepts_ndjson(const http::field_list& fields) noexcept {
  const auto wanted = wish_for(ndjson_type, fields);
  return wanted.by == closeness::none ? accepts_json(fields) : wanted.thousandths > 0;
}

std::optional<page_form> preferred_page(const http::field_list& fields) noexcept {
  const auto as_html = wish_for(html_type, fields);
  const auto as_json = wish_for_json(fields);
  if (as_html.thousandths == 0 && as_json.thousandths == 0) return std::nullopt;
  return as_html > as_json ? page_form::html : page_form::json;
}

bool prefers_open_metrics(const http::field_list& fields) noexcept {
  const auto as_open = wish_for(open_metrics_type, fields);
  return as_open.thousandths > 0 && as_open > wish_for(metrics_type, fields);
}

bool is_json(std::optional<std::string_view> content_type) noexcept {
  if (!content_type) return false;
  if (iequals(*content_type, json_type.name)) return true;
  auto parameters = *content_type;
  const auto type = next_part(parameters, ';');
  const bool some_json =
      iequals(type, json_type.name) || (type.size() > 5 && iequals(type.substr(type.size() - 5), "+json"));
  return some_json && is_utf8(parameters);
}

bool is_ndjson(std::optional<std::string_view> content_type) noexcept {
  if (!content_type) return false;
  auto parameters = *content_type;
  const auto type = next_part(parameters, ';');
  return iequals(type, ndjson_type.name) && is_utf8(parameters);
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
