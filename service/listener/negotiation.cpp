#include "listener/negotiation.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <charconv>

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

// In thousandths (RFC 9110 section 12.4.2); what cannot be read is 1.
int quality(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const auto parameter = next_part(parameters, ';');
    if (parameter.size() < 3 || !iequals(parameter.substr(0, 2), "q=")) continue;
    const auto text = parameter.substr(2);
    if (text[0] == '1' || (text.size() > 1 && text[1] != '.')) return 1000;
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
  return 1000;
}

constexpr std::string_view html_type = "text/html";
constexpr std::string_view json_type = "application/json";
constexpr std::string_view problem_type = "application/problem+json";

// How much a media type is wanted, by the range that names it most closely (RFC 9110 section 12.5.1).
struct wish {
  int closeness = 0;  // 3: by its name, 0: by nothing
  int thousandths = 0;

  void hear(std::string_view range, int worth, std::string_view type) noexcept {
    const auto of_its_kind = type.substr(0, type.find('/') + 1);
    int close = 0;
    if (iequals(range, type))
      close = 3;
    else if (range.size() == of_its_kind.size() + 1 && range.ends_with('*') &&
             iequals(range.substr(0, of_its_kind.size()), of_its_kind))
      close = 2;
    else if (range == "*/*")
      close = 1;
    if (close == 0 || close < closeness) return;
    thousandths = close == closeness ? std::max(thousandths, worth) : worth;
    closeness = close;
  }
};

// What Accept lines say of the two types that we have.
struct wishes {
  wish of_html;
  wish of_json;  // or of a problem about it
  bool any = false;

  void hear(std::string_view accept) noexcept {
    while (!accept.empty()) {
      auto parameters = next_part(accept, ',');
      const auto range = next_part(parameters, ';');
      if (range.empty()) continue;
      any = true;
      const int worth = quality(parameters);
      of_html.hear(range, worth, html_type);
      of_json.hear(range, worth, json_type);
      of_json.hear(range, worth, problem_type);
    }
  }
};

wishes wishes_in(const http::field_list& fields) noexcept {
  wishes all;
  for (const auto& f : fields.all())
    if (f.id == http::field::accept) all.hear(f.value);
  return all;
}

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

bool accepts_json(const http::field_list& fields) noexcept {
  const auto only = fields.count(http::field::accept) == 1 ? fields.get(http::field::accept) : std::nullopt;
  // What nearly everybody sends; the long way takes ten times as many instructions.
  if (only && (iequals(*only, json_type) || *only == "*/*")) return true;
  const auto wanted = wishes_in(fields);
  return !wanted.any || wanted.of_json.thousandths > 0;
}

std::optional<page_form> preferred_page(const http::field_list& fields) noexcept {
  const auto wanted = wishes_in(fields);
  const auto& [as_html, as_json, any] = wanted;
  if (!any) return page_form::json;
  if (as_html.thousandths == 0 && as_json.thousandths == 0) return std::nullopt;
  if (as_html.thousandths != as_json.thousandths)
    return as_html.thousandths > as_json.thousandths ? page_form::html : page_form::json;
  return as_html.closeness > as_json.closeness ? page_form::html : page_form::json;
}

bool is_json(std::optional<std::string_view> content_type) noexcept {
  if (!content_type) return false;
  if (iequals(*content_type, json_type)) return true;
  auto parameters = *content_type;
  const auto type = next_part(parameters, ';');
  const bool some_json =
      iequals(type, json_type) || (type.size() > 5 && iequals(type.substr(type.size() - 5), "+json"));
  return some_json && is_utf8(parameters);
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
