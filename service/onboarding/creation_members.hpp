#pragma once

#include "foundation/errors/problem.hpp"
#include "foundation/json/scanner.hpp"
#include "onboarding/creation.hpp"

#include <string_view>
#include <vector>

namespace gateway::onboarding {

// The documented members of a creation's body (podero-api.md) and how each is checked. The rest of `creation` knows
// them by number only.
inline constexpr std::size_t known_member_count = 8;

// known_member_count if Podero documents no such member.
std::size_t find_known_member(std::string_view name) noexcept;

std::string_view known_member_name(std::size_t known) noexcept;
bool is_required(std::size_t known) noexcept;
std::string_view expectation_of(std::size_t known) noexcept;  // for people: "a UUID"

// Appends every fault of this member's value.
void check_known_member(std::size_t known, const json::member& m, const creation_rules& rules, url_reader& urls,
                        std::vector<errors::fault>& faults);

}  // namespace gateway::onboarding
