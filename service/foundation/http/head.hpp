#pragma once

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gateway::http {

namespace beast_http = boost::beast::http;
using beast_http::field;
using beast_http::verb;

struct header_field {
  field id = field::unknown;
  std::string_view name;
  std::string_view value;
};

// The fields of one head, as views into the buffer that holds it. Bounded; its memory comes with the first field and is
// kept between uses: places for all that a head may have would be two thirds of what a waiting request takes.
class field_list {
 public:
  static constexpr std::size_t capacity = 64;

  // False when there are too many.
  bool add(const header_field& f) {
    if (count_ == fields_.size() && !make_room()) return false;
    fields_[count_++] = f;
    return true;
  }
  void clear() noexcept { count_ = 0; }
  std::span<const header_field> all() const noexcept { return {fields_.data(), count_}; }

  // The first one of that name.
  std::optional<std::string_view> get(field id) const noexcept;
  // For names that Beast does not list; case does not matter.
  std::optional<std::string_view> get(std::string_view name) const noexcept;
  std::size_t count(field id) const noexcept;

  // The bytes that the views point into were moved as a whole.
  void rebase(const char* old_place, const char* new_place) noexcept;

 private:
  bool make_room();

  std::vector<header_field> fields_;  // places, of which the first are taken
  std::size_t count_ = 0;
};

enum class framing : std::uint8_t { none, length, chunked, until_close };

// What stands in a message's head about its body and its connection.
struct message_head {
  unsigned version = 11;  // 10 or 11
  framing body = framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = false;
  field_list fields;
};

struct request_head : message_head {
  verb method = verb::unknown;
  std::string_view method_text;
  std::string_view target;
  bool expects_continue = false;

  std::string_view path() const noexcept { return target.substr(0, target.find('?')); }
};

struct answer_head : message_head {
  unsigned status = 0;
};

}  // namespace gateway::http
