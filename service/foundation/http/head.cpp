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

void field_list::rebase(const char* old_place, const char* new_place) noexcept {
  const auto moved = [&](std::string_view text) {
    return std::string_view{new_place + (text.data() - old_place), text.size()};
  };
  for (std::size_t i = 0; i < count_; ++i) {
    fields_[i].name = moved(fields_[i].name);
    fields_[i].value = moved(fields_[i].value);
  }
}

}  // namespace gateway::http
