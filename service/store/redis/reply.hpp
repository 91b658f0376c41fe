#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::store::redis {

// One reply of the server, as RESP2 has them; owns all of it. Errors of whole commands reach the caller as `trouble`;
// as a reply an error is seen only as an element of an array.
class reply {
 public:
  enum class kind : std::uint8_t { nil, status, error, integer, bulk, array };

  reply() = default;  // nil
  static reply status(std::string_view text) { return {kind::status, text}; }
  static reply error(std::string_view text) { return {kind::error, text}; }
  static reply bulk(std::string_view text) { return {kind::bulk, text}; }
  static reply integer(std::int64_t number) {
    reply made;
    made.kind_ = kind::integer;
    made.number_ = number;
    return made;
  }
  static reply array(std::vector<reply> elements) {
    reply made;
    made.kind_ = kind::array;
    made.elements_ = std::move(elements);
    return made;
  }

  kind type() const noexcept { return kind_; }
  bool is_nil() const noexcept { return kind_ == kind::nil; }
  bool is_error() const noexcept { return kind_ == kind::error; }
  bool is_array() const noexcept { return kind_ == kind::array; }

  // Of a status, an error or a bulk string, which may hold any bytes; empty for everything else.
  std::string_view text() const noexcept { return text_; }
  bool is_text(std::string_view expected) const noexcept {
    return (kind_ == kind::status || kind_ == kind::bulk) && text_ == expected;
  }
  // Of an integer, and of a text that is one in decimal and nothing else (scripts answer so where Lua's numbers would
  // lose digits); empty for everything else.
  std::optional<std::int64_t> number() const noexcept;
  // Of an array; empty for everything else.
  std::span<const reply> elements() const noexcept { return elements_; }
  std::size_t size() const noexcept { return elements_.size(); }
  // The i-th element, and a nil where there is none: for a caller that checks kinds anyway.
  const reply& operator[](std::size_t i) const noexcept;

  friend bool operator==(const reply&, const reply&) = default;

 private:
  friend class reply_builder;
  reply(kind what, std::string_view text) : kind_{what}, text_{text} {}

  kind kind_ = kind::nil;
  std::int64_t number_ = 0;
  std::string text_;
  std::vector<reply> elements_;
};

}  // namespace gateway::store::redis
