#include "onboarding/forms.hpp"

#include <algorithm>

#include "onboarding/characters.hpp"

namespace gateway::onboarding {

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  bool fits = true;  // to the end in any case: that needs no branches
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    fits &= dash ? text[i] == '-' : is_hex(text[i]);
  }
  return fits;
}

bool is_language(std::string_view text) noexcept {
  if (text.size() < 2 || !is_lower(text[0]) || !is_lower(text[1])) return false;
  if (text.size() == 2) return true;
  if (text[2] != '-' && text[2] != '_') return false;
  const auto region = text.substr(3);
  return (region.size() == 2 && std::ranges::all_of(region, is_upper)) ||
         (region.size() == 3 && std::ranges::all_of(region, is_digit));
}

bool is_price_zone(std::string_view text) noexcept {
  if (text.empty() || text.size() > 64 || !is_upper(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return is_upper(c) || is_digit(c) || c == '_'; });
}

std::vector<redirect_fault> redirect_faults(std::string_view url, const url_facts& facts, const redirect_rules& rules) {
  std::vector<redirect_fault> faults;
  if (url.size() > redirect_url_limit) faults.push_back(redirect_fault::too_long);
  if (!facts.absolute) {
    faults.push_back(redirect_fault::not_a_url);
    return faults;
  }
  if (!facts.https && (!facts.http || !rules.http_to_localhost || !facts.localhost))
    faults.push_back(redirect_fault::scheme);
  if (facts.has_user_info) faults.push_back(redirect_fault::user_info);
  if ((facts.https || facts.http) && !facts.names_host) faults.push_back(redirect_fault::not_a_host);
  if (facts.names_host && rules.host_allowed && !rules.host_allowed(facts.host(url)))
    faults.push_back(redirect_fault::host);
  return faults;
}

}  // namespace gateway::onboarding
