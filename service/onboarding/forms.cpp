#include "onboarding/forms.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "onboarding/characters.hpp"

namespace gateway::onboarding {

namespace {

// Eight characters at once: the highest bit of each byte is set where it is a hexadecimal digit. Nothing is carried
// from one byte into the next, as none of the sums is above 0xff.
constexpr std::uint64_t hexadecimal(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr auto from = [](std::uint64_t of, char first) { return of + ones * (0x80U - static_cast<unsigned>(first)); };
  const auto ascii = word & (ones * 0x7f);
  const auto lower_case = ascii | (ones * 0x20);
  const auto digit = from(ascii, '0') & ~from(ascii, '9' + 1);
  const auto letter = from(lower_case, 'a') & ~from(lower_case, 'f' + 1);
  return (digit | letter) & ~word & (ones * 0x80);
}

template <class Word>
std::uint64_t word_at(const char* from) noexcept {
  Word word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  const char* const at = text.data();
  const auto four_and_four = [at](std::size_t one, std::size_t other) {
    return word_at<std::uint32_t>(at + one) << 32U | word_at<std::uint32_t>(at + other);
  };
  const auto digits = hexadecimal(word_at<std::uint64_t>(at)) & hexadecimal(four_and_four(9, 14)) &
                      hexadecimal(four_and_four(19, 24)) & hexadecimal(word_at<std::uint64_t>(at + 28));
  return digits == 0x8080808080808080 && at[8] == '-' && at[13] == '-' && at[18] == '-' && at[23] == '-';
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
