#include "foundation/http/head.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

namespace gateway::http {

std::optional<std::string_view> field_list::get(field id) const noexcept {
  for (const auto& f : all())
    if (f.id == id) return f.value;
  return std::nullopt;
}

std::optional<std::string_view> field_list::get(std::string_view name) const noexcept {
  for (const auto& f : all())
    if (boost::beast::iequals(f.name, name)) return f.value;
  return std::nullopt;
}

std::size_t field_list::count(field id) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(all(), id, &header_field::id));
}

// Few requests have more fields than that.
bool field_list::make_room() {
  constexpr std::size_t usual = 8;
  if (count_ == capacity) return false;
  fields_.resize(std::min(capacity, std::max(usual, 2 * count_)));
  return true;
}

void field_list::rebase(const char* old_place, const char* new_place) noexcept {
  const auto moved = [&](std::string_view text) {
    return std::string_view{new_place + (text.data() - old_place), text.size()};
  };
  for (auto& f : std::span{fields_}.first(count_)) {
    f.name = moved(f.name);
    f.value = moved(f.value);
  }
}

}  // namespace gateway::http
