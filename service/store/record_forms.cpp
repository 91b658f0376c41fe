#include "store/record_forms.hpp"

#include <charconv>

namespace gateway::store {

namespace {

// Fields one after the other, each with its length in front of it: "3:201".
void append(std::string& to, std::string_view field) {
  to += std::to_string(field.size());
  to += ':';
  to += field;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string_view> take(std::string_view& from) {
  const auto colon = from.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto length = number<std::size_t>(from.substr(0, colon));
  if (!length) return std::nullopt;
  from.remove_prefix(colon + 1);
  const auto size = *length;
  if (size > from.size()) return std::nullopt;
  const auto field = from.substr(0, size);
  from.remove_prefix(size);
  return field;
}

}  // namespace

std::string written(const kept_answer& what) {
  std::string text;
  append(text, std::to_string(what.status));
  append(text, what.session);
  append(text, what.body);
  return text;
}

std::optional<kept_answer> read_answer(std::string_view text) {
  const auto status = take(text);
  if (!status) return std::nullopt;
  const auto session = take(text);
  if (!session) return std::nullopt;
  const auto body = take(text);
  if (!body || !text.empty()) return std::nullopt;
  const auto value = number<unsigned>(*status);
  if (!value) return std::nullopt;
  return kept_answer{*value, std::string{*session}, std::string{*body}};
}

std::string written(const live_session& what) {
  std::string text;
  append(text, what.session);
  append(text, what.upstream_body);
  append(text, what.expires_at ? std::to_string(what.expires_at->time_since_epoch().count()) : std::string{});
  return text;
}

std::optional<live_session> read_live(std::string_view text) {
  const auto session = take(text);
  if (!session) return std::nullopt;
  const auto body = take(text);
  if (!body) return std::nullopt;
  const auto expires = take(text);
  if (!expires || !text.empty()) return std::nullopt;
  live_session what{.session = std::string{*session}, .upstream_body = std::string{*body}};
  if (expires->empty()) return what;
  const auto seconds = number<std::chrono::sys_seconds::rep>(*expires);
  if (!seconds) return std::nullopt;
  what.expires_at = std::chrono::sys_seconds{std::chrono::seconds{*seconds}};
  return what;
}

}  // namespace gateway::store
