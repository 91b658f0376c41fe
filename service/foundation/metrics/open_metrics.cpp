#include "foundation/metrics/open_metrics.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <tuple>

namespace gateway::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using place = std::tuple<std::string, std::vector<std::string>, std::size_t>;
using exemplars = std::map<place, exemplar>;

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) return void(out += "NaN");
  if (std::isinf(value)) return void(out += value > 0 ? "+Inf" : "-Inf");
  // As in the text format, so that a bucket has one name in both: 0.0001, and 1e-05.
  const auto size = std::abs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e21);
  std::array<char, 32> text{};
  auto* const end = text.data() + text.size();
  out.append(text.data(), plain ? std::to_chars(text.data(), end, value, std::chars_format::fixed).ptr
                                : std::to_chars(text.data(), end, value).ptr);
}

// `le`: of a bucket; else empty.
void append_labels(std::string& out, const ClientMetric& of, std::string_view le) {
  if (of.label.empty() && le.empty()) return;
  out += '{';
  const auto add = [&](std::string_view name, std::string_view value) {
    if (out.back() != '{') out += ',';
    out += name;
    out += "=\"";
    append_escaped(out, value);
    out += '"';
  };
  for (const auto& label : of.label) add(label.name, label.value);
  if (!le.empty()) add("le", le);
  out += '}';
}

void append_sample(std::string& out, const std::string& name, const ClientMetric& of, double value) {
  out += name;
  append_labels(out, of, {});
  out += ' ';
  append_number(out, value);
  out += '\n';
}

void append_exemplar(std::string& out, const exemplar& one) {
  out += " # {trace_id=\"";
  out.append(one.trace_id.data(), one.trace_id.size());
  out += "\"} ";
  append_number(out, static_cast<double>(one.value_ns) / 1e9);
  out += ' ';
  append_number(out, static_cast<double>(one.at_ms) / 1e3);
}

void append_bucket(std::string& out, const MetricFamily& family, const ClientMetric& of, std::string_view le,
                   std::uint64_t count, std::size_t number, const exemplars& known) {
  out += family.name + "_bucket";
  append_labels(out, of, le);
  out += ' ' + std::to_string(count);
  std::vector<std::string> values;
  for (const auto& label : of.label) values.push_back(label.value);
  if (const auto found = known.find({family.name, values, number}); found != known.end())
    append_exemplar(out, found->second);
  out += '\n';
}

void append_histogram(std::string& out, const MetricFamily& family, const ClientMetric& of, const exemplars& known) {
  std::size_t number = 0;
  for (const auto& bucket : of.histogram.bucket) {
    std::string le;
    append_number(le, bucket.upper_bound);
    append_bucket(out, family, of, le, bucket.cumulative_count, number++, known);
  }
  append_bucket(out, family, of, "+Inf", of.histogram.sample_count, number, known);
  append_sample(out, family.name + "_sum", of, of.histogram.sample_sum);
  append_sample(out, family.name + "_count", of, static_cast<double>(of.histogram.sample_count));
}

std::string_view name_of(MetricType type) noexcept {
  if (type == MetricType::Counter) return "counter";
  return type == MetricType::Histogram ? "histogram" : "gauge";
}

void append_family(std::string& out, const MetricFamily& family, const exemplars& known) {
  // A counter's family is named without the end of its samples' name.
  std::string name = family.name;
  constexpr std::string_view end = "_total";
  if (family.type == MetricType::Counter && name.ends_with(end)) name.resize(name.size() - end.size());
  out += "# HELP " + name + " ";
  append_escaped(out, family.help);
  out += "\n# TYPE " + name + " ";
  out += name_of(family.type);
  out += '\n';
  for (const auto& metric : family.metric) {
    if (family.type == MetricType::Histogram)
      append_histogram(out, family, metric, known);
    else
      append_sample(out, family.name, metric,
                    family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value);
  }
}

}  // namespace

std::string render_open(const registry& what) {
  exemplars known;
  for (auto& one : what.examples()) known[{one.family, one.values, one.bucket}] = one.last;
  std::string out;
  for (const auto& family : what.Collect()) append_family(out, family, known);
  out += "# EOF\n";
  return out;
}

}  // namespace gateway::metrics
