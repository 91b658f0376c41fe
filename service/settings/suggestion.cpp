#include "settings/suggestion.hpp"

#include <algorithm>
#include <vector>

namespace gateway::settings {
namespace {

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto width = b.size() + 1;
  std::vector<std::size_t> grid((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return grid[i * width + j]; };
  const auto same = [&](std::size_t i, std::size_t j) { return folded(a[i - 1]) == folded(b[j - 1]); };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (same(i, j) ? 0U : 1U)});
      if (i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j)) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  return at(a.size(), b.size());
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t longest = 64;  // the grid grows with the square
  if (word.size() > longest) return std::nullopt;
  std::optional<std::string_view> best;
  auto best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto candidate : known)
    if (const auto distance = edit_distance(word, candidate); distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  return best;
}

std::string hint(std::string_view word, std::span<const std::string_view> known) {
  if (const auto meant = nearest(word, known)) return " (did you mean " + std::string{*meant} + "?)";
  if (known.empty()) return "";
  std::string list;
  for (const auto name : known) list += (list.empty() ? "" : ", ") + std::string{name};
  return " (known here: " + list + ")";
}

}  // namespace gateway::settings
