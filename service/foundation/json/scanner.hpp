#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace gateway::json {

enum class kind : std::uint8_t { null, boolean, integer, number, string, array, object };

// "a string", "null": for messages to people.
std::string_view to_string(kind value) noexcept;

// One member of the outermost object. The views hold during the visit only.
struct member {
  std::string_view name{};  // unescaped
  json::kind kind = kind::null;
  std::string_view text{};   // of a string: unescaped
  bool boolean = false;      // of a boolean
  std::int64_t integer = 0;  // of an integer (a whole number that fits)
};

// What a scan reports to. Members come in the order of the text; an array or object is reported when it begins, and
// what is inside it is not reported. What was reported stands only if the scan as a whole succeeded.
class visitor {
 public:
  virtual void on_member(const member& m) = 0;

 protected:
  ~visitor() = default;
};

// Byte offsets into the scanned text, counted from 0.
struct object_bounds {
  std::size_t open = 0;   // of the outermost '{'
  std::size_t close = 0;  // of the outermost '}'
  bool empty = true;      // no members
};

enum class fault : std::uint8_t {
  not_json,
  not_utf8,
  too_deep,
  not_an_object,
  duplicate_member,
  trailing_bytes,
  too_many_members,
  too_long_a_string,
  number_out_of_range
};

struct scan_error {
  json::fault fault = fault::not_json;
  std::size_t byte = 0;  // offset, counted from 0
  std::string reason;    // for people, with the offset: `duplicate member "language" at byte 120`
};

constexpr std::size_t nesting_limit = 32;

// What is refused beyond JSON itself. The defaults refuse nothing.
struct scan_limits {
  std::size_t members = static_cast<std::size_t>(-1);  // of all objects together
  std::size_t string = static_cast<std::size_t>(-1);   // bytes of one name or text, unescaped
  bool finite_numbers = false;                         // numbers are those of a double (RFC 7493 section 2.2)
};

// Reads ONE JSON object (RFC 8259, UTF-8) in one pass and without a document tree: validates all of it, also that no
// object at any depth has two members of one name, and reports the outermost members. Keeps its memory between scans
// and then allocates nothing. One thread at a time.
//
// Names are compared by a 64-bit hash. Two different names with one hash would be refused as well: that does not happen
// by accident, and who forges it has only its own request refused.
class scanner {
 public:
  scanner();
  ~scanner();
  scanner(scanner&&) noexcept;
  scanner& operator=(scanner&&) noexcept;

  std::expected<object_bounds, scan_error> scan(std::string_view text, visitor& to, const scan_limits& limits = {});

 private:
  struct machine;
  std::unique_ptr<machine> machine_;
};

}  // namespace gateway::json
