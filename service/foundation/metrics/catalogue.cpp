#include "foundation/metrics/catalogue.hpp"

#include <algorithm>
#include <stdexcept>

namespace gateway::metrics {
namespace {

[[noreturn]] void refuse(const family_row& row, std::string_view why) {
  throw std::logic_error{"metric " + row.name + ": " + std::string{why}};
}

bool plain_name(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' && std::ranges::all_of(text, allowed);
}

void check_labels(const family_row& row) {
  for (std::size_t i = 0; i < row.labels.size(); ++i) {
    const std::string& label = row.labels[i];
    if (!plain_name(label)) refuse(row, "label '" + label + "' is not of [a-z][a-z0-9_]*");
    if (label == "le") refuse(row, "label 'le' belongs to histograms");
    if (std::ranges::count(row.labels, label) != 1) refuse(row, "label '" + label + "' is declared twice");
  }
}

void check_bounds(const family_row& row) {
  if (row.kind != kind::histogram) return;
  if (row.bounds.empty()) refuse(row, "a histogram needs bounds");
  if (row.bounds.size() > histogram::max_bounds) refuse(row, "too many bounds");
  if (std::ranges::adjacent_find(row.bounds, std::ranges::greater_equal{}) != row.bounds.end()) {
    refuse(row, "bounds must ascend");
  }
}

void check(const family_row& row) {
  if (!plain_name(row.name)) refuse(row, "the name is not of [a-z][a-z0-9_]*");
  if (row.name.ends_with("_total") != (row.kind == kind::counter))
    refuse(row, "counters, and only they, end in _total");
  if (row.help.empty()) refuse(row, "no help");
  if (row.help.find_first_of("\\\n") != std::string::npos) refuse(row, "help with a backslash or a line break");
  check_labels(row);
  check_bounds(row);
}

}  // namespace

std::uint32_t catalogue::add(kind what, std::string_view name, std::string_view help,
                             std::span<const std::string_view> labels, fold how,
                             std::span<const std::chrono::nanoseconds> bounds) {
  family_row row{.name = prefix_ + std::string{name},
                 .help = std::string{help},
                 .kind = what,
                 .fold = how,
                 .labels = {labels.begin(), labels.end()},
                 .bounds = {}};
  for (const auto bound : bounds) row.bounds.push_back(bound.count());
  check(row);
  if (std::ranges::find(rows_, row.name, &family_row::name) != rows_.end()) refuse(row, "declared twice");
  rows_.push_back(std::move(row));
  return static_cast<std::uint32_t>(rows_.size() - 1);
}

}  // namespace gateway::metrics
