#include "listener/directives.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>

#include "foundation/http/grammar.hpp"

namespace gateway::listener {

bool asks_again(const http::field_list& fields) noexcept {
  return std::ranges::any_of(fields.all(), [](const http::header_field& f) {
    if (f.id != http::field::cache_control) return false;
    auto rest = f.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (boost::beast::iequals(http::trimmed(rest.substr(0, comma)), "no-cache")) return true;
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    return false;
  });
}

}  // namespace gateway::listener
