#pragma once

#include "onboarding/url_reader.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace gateway::onboarding {

// 8-4-4-4-12 hexadecimal digits (RFC 9562), in either case; of any version, nil included.
bool is_uuid(std::string_view text) noexcept;

// "de", "de-AT", "de_AT": two lower-case letters with an optional region of two capitals or three digits.
bool is_language(std::string_view text) noexcept;

// "AT", "DE_LU", "SE_4": capitals, digits and underscores, a capital first, at most 64.
bool is_price_zone(std::string_view text) noexcept;

// At most so many characters in a redirect URL (podero-api.md).
inline constexpr std::size_t redirect_url_limit = 8000;

// Where a caller may send the end user's browser.
struct redirect_rules {
  bool http_to_localhost = false;  // http:// towards localhost is accepted too; towards others never
  // Asked with the URL's host (`url_facts::host`). Empty: every host will do.
  std::function<bool(std::string_view host)> host_allowed{};
};

enum class redirect_fault : unsigned char { too_long, not_a_url, not_a_host, scheme, user_info, host };

// Every fault of a redirect URL, of which `facts` were read; none where it may be used. Allocates nothing unless there
// is a fault.
std::vector<redirect_fault> redirect_faults(std::string_view url, const url_facts& facts, const redirect_rules& rules);

}  // namespace gateway::onboarding
