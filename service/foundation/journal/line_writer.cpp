#include "foundation/journal/line_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace gateway::journal {
namespace {

constexpr unsigned char byte_of(char c) noexcept {
  return static_cast<unsigned char>(c);
}

// Printable ASCII that JSON takes as it is.
constexpr bool harmless(char c) noexcept {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

// The same for eight at once: the highest bit of a byte is set where one of them is not. Bytes are right up to the
// first that is not harmless, which is enough: below it nothing is borrowed or carried.
constexpr std::uint64_t harmful(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  return word | (word - ones * 0x20) | ((word ^ (ones * '"')) - ones) | ((word ^ (ones * '\\')) - ones) | (word + ones);
}
constexpr bool none(std::uint64_t found) noexcept {
  return (found & 0x8080808080808080) == 0;
}

template <class Word>
Word copy_word(const char* from, char* to) noexcept {
  Word word = 0;
  std::memcpy(&word, from, sizeof word);
  std::memcpy(to, &word, sizeof word);
  return word;
}

// Copies the text, and says whether JSON takes it as it is: in one go and eight bytes at a time, since most texts are
// ids and names, and pass.
[[gnu::always_inline]] inline bool copy_harmless(std::string_view text, char* to) noexcept {
  const char* const from = text.data();
  const auto size = text.size();
  if (size >= 8) {
    std::uint64_t found = 0;
    for (std::size_t i = 0; i + 8 < size; i += 8) found |= harmful(copy_word<std::uint64_t>(from + i, to + i));
    found |= harmful(copy_word<std::uint64_t>(from + size - 8, to + size - 8));  // some of them twice
    return none(found);
  }
  if (size >= 4) {
    const std::uint64_t last = copy_word<std::uint32_t>(from + size - 4, to + size - 4);
    return none(harmful(last << 32U | copy_word<std::uint32_t>(from, to)));
  }
  std::ranges::copy(text, to);
  return std::ranges::all_of(text, harmless);
}

// The length of the UTF-8 sequence at the front (RFC 3629 section 4: no overlong forms, no surrogates, nothing above
// U+10FFFF), or 0 if there is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return i < text.size() ? byte_of(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned first = at(0);
  const unsigned second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void put_ascii_escaped(line_writer& to, char c) noexcept {
  switch (c) {
    case '"':
      return to.put("\\\"");
    case '\\':
      return to.put("\\\\");
    case '\n':
      return to.put("\\n");
    case '\r':
      return to.put("\\r");
    case '\t':
      return to.put("\\t");
    default:
      break;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  to.put("\\u00");
  to.put(hex[byte_of(c) >> 4]);
  to.put(hex[byte_of(c) & 0x0f]);
}

}  // namespace

void line_writer::number(std::int64_t value) noexcept {
  const auto [end, error] = std::to_chars(at_, end_, value);
  if (error != std::errc{}) {
    full_ = true;
    return;
  }
  at_ = end;
}

void line_writer::number(double value) noexcept {
  if (!std::isfinite(value)) return put("null");
  const auto [end, error] = std::to_chars(at_, end_, value);
  if (error != std::errc{}) {
    full_ = true;
    return;
  }
  at_ = end;
}

void line_writer::milliseconds(std::int64_t nanoseconds) noexcept {
  const std::int64_t microseconds = std::max<std::int64_t>(0, nanoseconds) / 1000;
  number(microseconds / 1000);
  const auto rest = static_cast<unsigned>(microseconds % 1000);
  const std::array<char, 4> decimals{'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                                     static_cast<char>('0' + rest % 10)};
  put({decimals.data(), decimals.size()});
}

void line_writer::quoted(std::string_view text) noexcept {
  if (text.size() + 2 <= room() && copy_harmless(text, at_ + 1)) {
    char* const to = at_;
    to[0] = to[text.size() + 1] = '"';
    at_ = to + text.size() + 2;
    return;
  }
  put('"');
  escaped(text);
  put('"');
}

void line_writer::escaped(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      put("\xef\xbf\xbd");  // U+FFFD
    } else if (length > 1 || harmless(text.front())) {
      put(text.substr(0, length));
    } else {
      put_ascii_escaped(*this, text.front());
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void line_writer::plain_or_quoted(std::string_view text) noexcept {
  const bool plain = !text.empty() && text.find_first_of(" =") == std::string_view::npos && text.size() <= room() &&
                     copy_harmless(text, at_);
  if (!plain) return quoted(text);
  at_ += text.size();
}

}  // namespace gateway::journal
