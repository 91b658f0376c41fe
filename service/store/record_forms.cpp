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

std::optional<std::string_view> take(std::string_view& from) {
  std::size_t size = 0;
  const auto* const end = from.data() + from.size();
  const auto [stopped, error] = std::from_chars(from.data(), end, size);
  if (error != std::errc{} || stopped == end || *stopped != ':') return std::nullopt;
  from.remove_prefix(static_cast<std::size_t>(stopped - from.data()) + 1);
  if (size > from.size()) return std::nullopt;
  const auto field = from.substr(0, size);
  from.remove_prefix(size);
  return field;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return value;
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
