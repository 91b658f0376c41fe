#include "listener/idempotency_key.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace gateway::listener {
namespace {

constexpr std::size_t longest = 255;

bool printable(char c) noexcept {
  return c >= 0x20 && c <= 0x7e;
}

// RFC 8941 section 4.2.5, from after the opening quote; the string ends where the field does.
bool read_string(std::string_view text, std::string& into) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size();
    if (text[i] == '\\') {
      if (++i == text.size() || (text[i] != '"' && text[i] != '\\')) return false;
    }
    into += text[i];
  }
  return false;
}

}  // namespace

std::expected<bool, std::string> read_idempotency_key(const http::field_list& fields, std::string& into) {
  into.clear();
  const http::header_field* only = nullptr;
  for (const auto& f : fields.all()) {
    if (!boost::beast::iequals(f.name, "Idempotency-Key")) continue;
    if (only != nullptr) return std::unexpected{"The header Idempotency-Key comes more than once."};
    only = &f;
  }
  if (only == nullptr) return false;
  const std::string_view value = only->value;
  if (!std::ranges::all_of(value, printable)) return std::unexpected{"The key must be printable ASCII characters."};
  if (!value.starts_with('"')) {
    if (value.contains('"')) return std::unexpected{"A key in quotes must begin and end with them."};
    into = value;
  } else if (!read_string(value.substr(1), into)) {
    return std::unexpected{
        R"(A key in quotes ends with a quote and nothing behind it; inside, \" and \\ are the only escapes.)"};
  }
  if (into.empty() || into.size() > longest) return std::unexpected{"The key must have 1 to 255 characters."};
  return true;
}

}  // namespace gateway::listener
