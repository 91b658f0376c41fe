#include "foundation/json/scanner.hpp"

#include "foundation/json/scan_errors.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace gateway::json {
namespace {

using boost::json::error_code;
using part = boost::json::string_view;

// The events of boost::json::basic_parser. The whole text is handed over at once, so a string without escapes comes in
// one piece and points into the text; one with escapes comes in pieces, which are put together here.
class handler {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  void start(std::string_view text, visitor& to, const scan_limits& limits) noexcept {
    text_ = text;
    limits_ = limits;
    to_ = &to;
    depth_ = 0;
    keys_ = 0;
    duplicate_ = 0;
    names_.clear();
    begins_.clear();
    name_pieces_.clear();
    text_pieces_.clear();
  }

  std::size_t keys() const noexcept { return keys_; }
  // Which key of the text, counted from 1, repeats another one; 0: none does.
  std::size_t duplicate() const noexcept { return duplicate_; }

  bool on_document_begin(error_code&) noexcept { return true; }
  bool on_document_end(error_code&) noexcept { return true; }

  bool on_object_begin(error_code&) {
    if (depth_ == 1) report({.name = name_, .kind = kind::object});
    ++depth_;
    begins_.push_back(names_.size());
    return true;
  }

  bool on_object_end(std::size_t, error_code& ec) {
    const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(begins_.back());
    duplicate_ = first_duplicate(begin, names_.end());
    names_.erase(begin, names_.end());
    begins_.pop_back();
    --depth_;
    return duplicate_ == 0 || refuse(ec, boost::json::error::not_exact);
  }

  bool on_array_begin(error_code& ec) {
    if (depth_ == 0) return refuse(ec, boost::json::error::not_object);
    if (depth_ == 1) report({.name = name_, .kind = kind::array});
    ++depth_;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) noexcept {
    --depth_;
    return true;
  }

  bool on_key_part(part s, std::size_t size, error_code& ec) {
    name_pieces_.add(s);
    return fits(size, ec);
  }
  bool on_key(part s, std::size_t size, error_code& ec) {
    if (!fits(size, ec)) return false;
    if (keys_ == limits_.members) return refuse(ec, boost::json::error::object_too_large);
    name_ = name_pieces_.end(s, in_text(s));
    names_.push_back({std::hash<std::string_view>{}(name_), ++keys_});
    return true;
  }

  bool on_string_part(part s, std::size_t size, error_code& ec) {
    if (depth_ == 1) text_pieces_.add(s);
    return fits(size, ec);
  }
  bool on_string(part s, std::size_t size, error_code& ec) {
    if (!fits(size, ec)) return false;
    if (depth_ != 1) return inside(ec);
    report({.name = name_, .kind = kind::string, .text = text_pieces_.end(s, true)});
    return true;
  }

  bool on_number_part(part, error_code&) noexcept { return true; }
  bool on_int64(std::int64_t value, part, error_code& ec) {
    if (depth_ != 1) return inside(ec);
    report({.name = name_, .kind = kind::integer, .integer = value});
    return true;
  }
  bool on_uint64(std::uint64_t, part, error_code& ec) { return number(ec); }
  bool on_double(double value, part, error_code& ec) {
    if (limits_.finite_numbers && !std::isfinite(value)) return refuse(ec, boost::json::error::exponent_overflow);
    return number(ec);
  }
  bool on_bool(bool value, error_code& ec) {
    if (depth_ != 1) return inside(ec);
    report({.name = name_, .kind = kind::boolean, .boolean = value});
    return true;
  }
  bool on_null(error_code& ec) {
    if (depth_ != 1) return inside(ec);
    report({.name = name_, .kind = kind::null});
    return true;
  }
  bool on_comment_part(part, error_code&) noexcept { return true; }
  bool on_comment(part, error_code&) noexcept { return true; }

 private:
  struct seen {
    std::size_t hash;
    std::size_t ordinal;  // which key of the text
    friend auto operator<=>(const seen&, const seen&) = default;
  };

  void report(const member& m) { to_->on_member(m); }

  bool number(error_code& ec) {
    if (depth_ != 1) return inside(ec);
    report({.name = name_, .kind = kind::number});
    return true;
  }

  static bool refuse(error_code& ec, boost::json::error why) {
    ec = why;
    return false;
  }

  // `size`: of a name or text so far.
  bool fits(std::size_t size, error_code& ec) const {
    return size <= limits_.string || refuse(ec, boost::json::error::string_too_large);
  }

  // A scalar that is no member of the outermost object: fine inside something, refused as the whole text.
  bool inside(error_code& ec) const { return depth_ != 0 || refuse(ec, boost::json::error::not_object); }

  // A text that comes in pieces if it has escapes. It holds until the next one begins, and keeps its memory.
  class pieces {
   public:
    void clear() noexcept { begun_ = false; }
    void add(part piece) {
      if (!begun_) gathered_.clear();
      begun_ = true;
      gathered_.append(piece.data(), piece.size());
    }
    std::string_view end(part last, bool lasting) {
      if (!begun_ && lasting) return {last.data(), last.size()};
      add(last);
      begun_ = false;
      return gathered_;
    }

   private:
    std::string gathered_;
    bool begun_ = false;
  };

  template <class Iterator>
  static std::size_t first_duplicate(Iterator begin, Iterator end) {
    if (end - begin < 2) return 0;
    std::sort(begin, end);
    std::size_t found = 0;
    for (auto next = begin + 1; next != end; ++next)
      if (next->hash == (next - 1)->hash && (found == 0 || next->ordinal < found)) found = next->ordinal;
    return found;
  }

  // A name that begins with an escape comes whole, but in a buffer on the parser's stack.
  bool in_text(part s) const noexcept {
    const std::less_equal<const char*> before;
    return before(text_.data(), s.data()) && before(s.data(), text_.data() + text_.size());
  }

  std::string_view text_;
  scan_limits limits_;
  visitor* to_ = nullptr;
  std::size_t depth_ = 0;  // how many objects and arrays are open
  std::size_t keys_ = 0;
  std::size_t duplicate_ = 0;
  std::string_view name_;
  std::vector<seen> names_;          // of all open objects, outermost first
  std::vector<std::size_t> begins_;  // where each open object's names begin
  pieces name_pieces_;
  pieces text_pieces_;
};

constexpr boost::json::parse_options options() {
  boost::json::parse_options o;
  o.max_depth = nesting_limit;
  return o;
}

}  // namespace

struct scanner::machine {
  boost::json::basic_parser<handler> parser{options()};
};

scanner::scanner() = default;
scanner::~scanner() = default;
scanner::scanner(scanner&&) noexcept = default;
scanner& scanner::operator=(scanner&&) noexcept = default;

std::expected<object_bounds, scan_error> scanner::scan(std::string_view text, visitor& to, const scan_limits& limits) {
  if (!machine_) machine_ = std::make_unique<machine>();
  auto& parser = machine_->parser;
  auto& events = parser.handler();
  parser.reset();
  events.start(text, to, limits);
  boost::json::error_code ec;
  const std::size_t end = parser.write_some(false, text.data(), text.size(), ec);
  if (ec == boost::json::error::not_exact) return std::unexpected{duplicate_at(text, events.duplicate())};
  if (ec) return std::unexpected{explain(text, end, ec, limits)};
  if (end != text.size()) return std::unexpected{trailing_at(text, end)};
  return object_bounds{.open = text.find('{'), .close = text.rfind('}'), .empty = events.keys() == 0};
}

std::string_view to_string(kind value) noexcept {
  switch (value) {
    case kind::null:
      return "null";
    case kind::boolean:
      return "a boolean";
    case kind::integer:
    case kind::number:
      return "a number";
    case kind::string:
      return "a string";
    case kind::array:
      return "an array";
    case kind::object:
      return "an object";
  }
  return "a value";
}

}  // namespace gateway::json
