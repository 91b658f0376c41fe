#include "listener/batch_line.hpp"

#include <algorithm>

#include "foundation/json/write.hpp"
#include "onboarding/creation.hpp"

namespace gateway::listener {

using errors::failure;
using errors::problem;

namespace {

constexpr std::size_t longest_key = 255;

failure fault_at(problem id, std::string_view member, std::string code, std::string detail) {
  failure f;
  f.id = id;
  f.detail = detail;
  f.faults.push_back(
      {errors::fault::place::pointer, json::fragment_pointer(member), std::move(code), std::move(detail)});
  return f;
}

struct members final : json::visitor {
  void on_member(const json::member& m) override {
    if (m.name == "idempotency_key") {
      key_kind = m.kind;
      key = m.text;
    } else if (m.name == "body") {
      body_kind = m.kind;
    } else if (!unknown) {
      unknown = m.name;
    }
  }
  std::optional<json::kind> key_kind{};
  std::string key{};
  std::optional<json::kind> body_kind{};
  std::optional<std::string> unknown{};
};

// The text of the value of "body" in a line that is known to be one JSON object. Only what is outside strings nests;
// its name may be written with escapes, so the members are counted and not compared.
std::string_view value_of(std::string_view line, std::size_t member) {
  std::size_t depth = 0;
  std::size_t seen = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      while (line[++i] != '"')
        if (line[i] == '\\') ++i;
    } else if (c == ':' && depth == 1) {
      if (seen++ == member) begin = i + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
    const bool over = (c == ',' && depth == 1) || depth == 0;
    if (begin != 0 && over && i >= begin) return line.substr(begin, i - begin);
  }
  return {};
}

// Which of the members is the body.
struct body_number final : json::visitor {
  void on_member(const json::member& m) override {
    if (m.name == "body") number = count;
    ++count;
  }
  std::size_t number = 0;
  std::size_t count = 0;
};

bool is_key(std::string_view text) noexcept {
  return !text.empty() && text.size() <= longest_key &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace

std::expected<batch_line, failure> read_batch_line(std::string_view line, bool needs_key, json::scanner& scanner) {
  members found;
  const auto scanned = scanner.scan(line, found, onboarding::body_limits);
  if (!scanned) {
    failure f;
    f.id = problem::malformed_request;
    f.detail = "The line is not one JSON object: " + scanned.error().reason + ".";
    return std::unexpected{std::move(f)};
  }
  if (found.unknown)
    return std::unexpected{fault_at(problem::validation_failed, *found.unknown, "unknown-member",
                                    "A line has the members idempotency_key and body.")};
  if (!found.body_kind)
    return std::unexpected{fault_at(problem::validation_failed, "body", "missing", "The line has no body.")};
  if (*found.body_kind != json::kind::object)
    return std::unexpected{fault_at(problem::validation_failed, "body", "wrong-type", "The body must be an object.")};
  if (!found.key_kind && needs_key)
    return std::unexpected{fault_at(problem::idempotency_key_missing, "idempotency_key", "missing",
                                    "Creations on this account need an idempotency_key.")};
  if (found.key_kind && (*found.key_kind != json::kind::string || !is_key(found.key)))
    return std::unexpected{fault_at(problem::malformed_request, "idempotency_key", "malformed",
                                    "The key must be a string of 1 to 255 printable ASCII characters.")};
  batch_line made;
  if (found.key_kind) made.key = std::move(found.key);
  body_number which;
  if (!scanner.scan(line, which, onboarding::body_limits)) return std::unexpected{failure{}};  // it was read before
  made.body = value_of(line, which.number);
  return made;
}

// ---------------------------------------------------------------- lines

std::size_t line_splitter::length_to(std::size_t stop) const noexcept {
  const bool ends_with_cr = stop != at_ && input_[stop - 1] == '\r';
  return stop - at_ - (ends_with_cr ? 1 : 0);
}

bool line_splitter::has_line() noexcept {
  if (at_ == input_.size()) return ended_;
  searched_ = std::max(searched_, at_);
  const auto end = input_.find('\n', searched_);
  if (end != std::string::npos) {
    searched_ = end;
    return true;
  }
  searched_ = input_.size();
  return ended_ || skipping_ || length_to(input_.size()) > longest_;
}

line_splitter::piece line_splitter::next() {
  while (at_ < input_.size() && has_line()) {
    const auto end = input_.find('\n', searched_);
    const bool whole = end != std::string::npos || ended_;
    const auto stop = end != std::string::npos ? end : input_.size();
    const auto length = length_to(stop);
    piece made;
    if (std::exchange(skipping_, !whole)) {
      made.what = piece::is::nothing;  // it was said when it began
    } else {
      made.number = ++number_;
      made.text.assign(input_, at_, length <= longest_ ? length : 0);
      made.what = length > longest_ ? piece::is::too_long : piece::is::line;
    }
    at_ = std::min(stop + (end != std::string::npos ? 1 : 0), input_.size());
    searched_ = at_;
    if (at_ == input_.size() || at_ > longest_) {
      input_.erase(0, at_);
      at_ = searched_ = 0;
    }
    if (made.what == piece::is::too_long || !made.text.empty()) return made;
  }
  return {};
}

}  // namespace gateway::listener
