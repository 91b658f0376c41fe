#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gateway::settings {

// How many insertions, deletions, replacements and swaps of neighbours lead from one text to the other (optimal string
// alignment distance). Case does not count, nor the difference between '-' and '_'.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The known word that was most likely meant: at most one edit per three letters.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

// " (did you mean pool?)", or else " (known here: pool, pause)", for the end of a message.
std::string hint(std::string_view word, std::span<const std::string_view> known);

}  // namespace gateway::settings
