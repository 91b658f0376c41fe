#include "foundation/http/chunks.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <optional>

#include "foundation/http/grammar.hpp"

namespace gateway::http {
namespace {

constexpr std::size_t most_digits = 16;  // of a size: 64 bits

void skip_blanks(std::string_view& text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

bool skip_token(std::string_view& text) noexcept {
  const auto length = static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_character) - text.begin());
  text.remove_prefix(length);
  return length != 0;
}

// After the opening quote, up to behind the closing one.
bool skip_quoted(std::string_view& text) noexcept {
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return true;
    if (c != '\\') continue;
    if (text.empty()) return false;
    text.remove_prefix(1);
  }
  return false;
}

// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 section 7.1.1.
bool are_extensions(std::string_view text) noexcept {
  while (!text.empty()) {
    skip_blanks(text);
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_blanks(text);
    if (!skip_token(text)) return false;
    auto behind = text;
    skip_blanks(behind);
    if (!behind.starts_with('=')) continue;
    text = behind.substr(1);
    skip_blanks(text);
    const bool quoted = text.starts_with('"');
    if (quoted) text.remove_prefix(1);
    if (!(quoted ? skip_quoted(text) : skip_token(text))) return false;
  }
  return true;
}

std::optional<std::uint64_t> size_of(std::string_view line) noexcept {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  for (; digits < line.size(); ++digits) {
    const int value = hex_value(line[digits]);
    if (value < 0) break;
    if (digits == most_digits) return std::nullopt;
    size = size * 16 + static_cast<unsigned>(value);
  }
  if (digits == 0 || !are_extensions(line.substr(digits))) return std::nullopt;
  return size;
}

// RFC 9110 section 6.5.1: what frames or routes a message has no business behind it.
bool may_trail(std::string_view name) noexcept {
  using boost::beast::iequals;
  return !iequals(name, "Content-Length") && !iequals(name, "Transfer-Encoding") && !iequals(name, "Host");
}

}  // namespace

std::expected<std::size_t, chunk_error> chunk_reader::read(std::string_view bytes, std::string& body) {
  auto rest = bytes;
  while (!finished()) {
    const auto before = body.size();
    const auto offered = rest.size();
    const auto went = read_part(rest, body);
    const auto grown = body.size() - before;
    content_ += grown;
    overhead_ += offered - rest.size() - grown;
    if (went == step::too_large) return std::unexpected{chunk_error::body_too_large};
    if (went == step::malformed || overhead_ > most_overhead + overhead_per_byte * content_)
      return std::unexpected{chunk_error::malformed};
    if (went == step::needs_more) break;
  }
  return bytes.size() - rest.size();
}

chunk_reader::step chunk_reader::read_part(std::string_view& rest, std::string& body) {
  switch (next_) {
    case part::size:
      return read_size(rest, body.size());
    case part::content:
      return read_content(rest, body);
    case part::content_end:
      return read_content_end(rest);
    case part::trailer:
      return read_trailer(rest);
    case part::nothing:
      break;
  }
  return step::needs_more;
}

chunk_reader::step chunk_reader::read_size(std::string_view& rest, std::size_t collected) {
  std::string_view line;
  if (const auto went = take_line(rest, line); went != step::taken) return went;
  const auto size = size_of(line);
  if (!size) return step::malformed;
  if (*size > limit_ - std::min(limit_, collected)) return step::too_large;
  left_ = *size;
  next_ = left_ == 0 ? part::trailer : part::content;
  return step::taken;
}

chunk_reader::step chunk_reader::read_content(std::string_view& rest, std::string& body) {
  if (rest.empty()) return step::needs_more;
  const auto piece = rest.substr(0, std::min<std::uint64_t>(left_, rest.size()));
  body.append(piece);
  rest.remove_prefix(piece.size());
  left_ -= piece.size();
  if (left_ == 0) next_ = part::content_end;
  return step::taken;
}

chunk_reader::step chunk_reader::read_content_end(std::string_view& rest) {
  constexpr std::string_view line_end = "\r\n";
  if (!rest.starts_with(line_end)) return line_end.starts_with(rest) ? step::needs_more : step::malformed;
  rest.remove_prefix(line_end.size());
  next_ = part::size;
  return step::taken;
}

chunk_reader::step chunk_reader::read_trailer(std::string_view& rest) {
  std::string_view line;
  if (const auto went = take_line(rest, line); went != step::taken) return went;
  if (line.empty()) {
    next_ = part::nothing;
    return step::taken;
  }
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  return colon != std::string_view::npos && is_token(name) && may_trail(name) ? step::taken : step::malformed;
}

chunk_reader::step chunk_reader::take_line(std::string_view& rest, std::string_view& line) {
  const auto* const odd = std::ranges::find_if(rest.substr(0, longest_line), is_control);
  const auto length = static_cast<std::size_t>(odd - rest.begin());
  if (length == rest.size()) return step::needs_more;
  if (length == longest_line || *odd != '\r') return step::malformed;
  if (length + 1 == rest.size()) return step::needs_more;
  if (rest[length + 1] != '\n') return step::malformed;
  line = rest.substr(0, length);
  rest.remove_prefix(length + 2);
  return step::taken;
}

}  // namespace gateway::http
