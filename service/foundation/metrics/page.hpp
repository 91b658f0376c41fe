#pragma once

#include "foundation/metrics/catalogue.hpp"

#include <span>
#include <string>
#include <string_view>

namespace gateway::metrics {

// What the values of a label mean; `family` (without the prefix) where it is about that family alone.
struct label_note {
  std::string_view family;
  std::string_view label;
  std::string_view values;
};

// The families as a Markdown document for operators: docs/metrics.md is this, and a test compares the two.
std::string render_page(const catalogue& families, std::span<const label_note> notes);

}  // namespace gateway::metrics
