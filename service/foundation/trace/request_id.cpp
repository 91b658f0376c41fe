#include "foundation/trace/request_id.hpp"

#include "foundation/random/uuid.hpp"

#include <algorithm>

namespace gateway::trace {

bool sane_request_id(std::string_view text) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= request_id::max_length && std::ranges::all_of(text, allowed);
}

request_id keep_or_make(std::string_view came, random::source& from) {
  request_id out;
  random::uuid_text made{};
  if (!sane_request_id(came)) {
    made = random::make_uuid(from);
    came = random::view(made);
    out.made_here_ = true;
  }
  std::ranges::copy(came, out.text_.begin());
  out.size_ = static_cast<std::uint8_t>(came.size());
  return out;
}

}  // namespace gateway::trace
