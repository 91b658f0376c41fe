#include "foundation/metrics/page.hpp"

#include "foundation/metrics/process.hpp"

#include <array>
#include <charconv>
#include <initializer_list>

namespace gateway::metrics {
namespace {

std::string_view name_of(kind what) noexcept {
  switch (what) {
    case kind::counter:
      return "counter";
    case kind::gauge:
      return "gauge";
    case kind::histogram:
      return "histogram";
  }
  return "";
}

// What the several loops of a process make of it.
std::string_view note_of(const family_row& row) noexcept {
  if (row.kind != kind::gauge || row.fold == fold::sum) return "";
  return row.fold == fold::max ? " The greatest of the loops'." : " The least of the loops'.";
}

std::string labels_of(const family_row& row) {
  std::string out;
  for (const auto& label : row.labels) out += (out.empty() ? "`" : ", `") + label + "`";
  return out;
}

bool is_of(const label_note& note, const family_row& row, std::string_view prefix) {
  return !note.family.empty() && row.name == std::string{prefix} + std::string{note.family};
}

void append_row(std::string& out, std::initializer_list<std::string> cells) {
  out += '|';
  for (const auto& cell : cells) out += cell.empty() ? " |" : " " + cell + " |";
  out += '\n';
}

void append_seconds(std::string& out, std::int64_t nanoseconds) {
  std::array<char, 32> text{};
  auto* const end = std::to_chars(text.data(), text.data() + text.size(), static_cast<double>(nanoseconds) / 1e9,
                                  std::chars_format::fixed)
                        .ptr;
  out += ' ';
  out.append(text.data(), end);
}

}  // namespace

std::string render_page(const catalogue& families, std::span<const label_note> notes) {
  std::string out =
      "# Metrics\n\n"
      "`GET /metrics` on the operators' listener, in Prometheus' text format, or as OpenMetrics for those who ask for "
      "it: then\n"
      "buckets show the trace of a sampled request as an exemplar. Counters of all event loops are added up when "
      "somebody\n"
      "scrapes. Seconds and Unix time throughout. The names are stable.\n\n"
      "This page is made from the code by `make metrics-page`; a test fails where it is not up to date.\n\n"
      "| name | kind | labels | is |\n|---|---|---|---|\n";
  for (const auto& row : families.rows())
    append_row(out, {"`" + row.name + "`", std::string{name_of(row.kind)}, labels_of(row),
                     row.help + std::string{note_of(row)}});
  for (const auto& family : process_collector{}.Collect())
    append_row(out, {"`" + family.name + "`", family.type == prometheus::MetricType::Counter ? "counter" : "gauge", "",
                     family.help});
  out += "\n## Labels\n\n| label | values |\n|---|---|\n";
  for (const auto& note : notes)
    if (note.family.empty()) append_row(out, {"`" + std::string{note.label} + "`", std::string{note.values}});
  for (const auto& row : families.rows())
    for (const auto& note : notes)
      if (is_of(note, row, families.prefix()))
        append_row(out, {"`" + std::string{note.label} + "` of `" + row.name + "`", std::string{note.values}});
  out += "\n## Buckets\n\n";
  for (const auto& row : families.rows()) {
    if (row.kind != kind::histogram) continue;
    out += "`" + row.name + "`:";
    for (const auto bound : row.bounds) append_seconds(out, bound);
    out += " s\n\n";
  }
  out.pop_back();
  return out;
}

}  // namespace gateway::metrics
