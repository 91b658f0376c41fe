#pragma once
// RFC 8259 and I-JSON once more, in the plainest way and with nothing of Boost.JSON: what the scanner accepts must be
// this, and what this accepts the scanner must accept.

#include <charconv>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace gateway::fuzz {

class strict_json {
 public:
  explicit strict_json(std::string_view text) : text_{text} {}

  // One object with nothing behind it, no member twice anywhere, at most 32 values in one another.
  bool is_object() {
    blanks();
    if (at_ == text_.size() || text_[at_] != '{') return false;
    if (!value(0)) return false;
    blanks();
    return at_ == text_.size();
  }
  // There is a number with an exponent that Boost.JSON does not count up to.
  bool has_huge_exponent() const noexcept { return huge_exponent_; }

 private:
  static constexpr int deepest = 32;

  void blanks() {
    while (at_ < text_.size() && std::string_view{" \t\r\n"}.contains(text_[at_])) ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool value(int depth) {
    blanks();
    if (at_ == text_.size()) return false;
    switch (text_[at_]) {
      case '{':
        return depth < deepest && object(depth + 1);
      case '[':
        return depth < deepest && array(depth + 1);
      case '"': {
        std::string ignored;
        return string(ignored);
      }
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }

  bool object(int depth) {
    std::set<std::string> names;
    take('{');
    blanks();
    if (take('}')) return true;
    for (;;) {
      std::string name;
      blanks();
      if (!string(name) || !names.insert(name).second) return false;
      blanks();
      if (!take(':') || !value(depth)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool array(int depth) {
    take('[');
    blanks();
    if (take(']')) return true;
    for (;;) {
      if (!value(depth)) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  std::size_t digits() {
    const auto begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ - begin;
  }
  bool number() {
    take('-');
    if (!take('0') && digits() == 0) return false;
    if (take('.') && digits() == 0) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      const auto count = digits();
      if (count == 0) return false;
      huge_exponent_ = huge_exponent_ || count > 8;
    }
    return true;
  }

  bool string(std::string& into) {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte == '\\' ? !escape(into) : !character(into)) return false;
    }
    return false;
  }

  bool escape(std::string& into) {
    ++at_;
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    constexpr std::string_view plain = "\"\\/bfnrt";
    if (const auto which = plain.find(c); which != std::string_view::npos) {
      into += "\"\\/\b\f\n\r\t"[which];
      return true;
    }
    if (c != 'u') return false;
    std::uint32_t point = 0;
    if (!hex(point)) return false;
    if (point >= 0xDC00 && point < 0xE000) return false;
    if (point >= 0xD800 && point < 0xDC00) {
      std::uint32_t low = 0;
      if (!take("\\u") || !hex(low) || low < 0xDC00 || low >= 0xE000) return false;
      point = 0x10000 + ((point - 0xD800) << 10U) + (low - 0xDC00);
    }
    append(into, point);
    return true;
  }
  bool hex(std::uint32_t& into) {
    const auto four = text_.substr(at_, 4);
    if (four.size() != 4) return false;
    const auto [end, error] = std::from_chars(four.data(), four.data() + 4, into, 16);
    at_ += 4;
    return error == std::errc{} && end == four.data() + 4;
  }
  static void append(std::string& into, std::uint32_t point) {
    const auto put = [&](std::uint32_t byte) { into += static_cast<char>(byte); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
      put(0xC0U | (point >> 6U));
    } else {
      if (point < 0x10000) {
        put(0xE0U | (point >> 12U));
      } else {
        put(0xF0U | (point >> 18U));
        put(0x80U | ((point >> 12U) & 0x3FU));
      }
      put(0x80U | ((point >> 6U) & 0x3FU));
    }
    put(0x80U | (point & 0x3FU));
  }

  // One character of UTF-8 (RFC 3629).
  bool character(std::string& into) {
    const auto byte = [this](std::size_t i) {
      return at_ + i < text_.size() ? static_cast<unsigned char>(text_[at_ + i]) : 0U;
    };
    const auto lead = byte(0);
    std::size_t size = 1;
    unsigned least = 0x80;
    unsigned most = 0xBF;
    if (lead >= 0x80) {
      if (lead < 0xC2 || lead > 0xF4) return false;
      size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
      if (lead == 0xE0) least = 0xA0;
      if (lead == 0xED) most = 0x9F;
      if (lead == 0xF0) least = 0x90;
      if (lead == 0xF4) most = 0x8F;
    }
    for (std::size_t i = 1; i < size; ++i) {
      if (byte(i) < least || byte(i) > most) return false;
      least = 0x80;
      most = 0xBF;
    }
    into += text_.substr(at_, size);
    at_ += size;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool huge_exponent_ = false;
};

}  // namespace gateway::fuzz
