#include "foundation/metrics/registry.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <tuple>

namespace gateway::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricType type_of(kind what) noexcept {
  switch (what) {
    case kind::counter:
      return MetricType::Counter;
    case kind::gauge:
      return MetricType::Gauge;
    case kind::histogram:
      return MetricType::Histogram;
  }
  return MetricType::Untyped;
}

// The series of one family while they are being added up.
class totals {
 public:
  explicit totals(const family_row& row) : row_{row} {}

  void add(const std::vector<std::string>& values, const counter& c) {
    at(values).number += static_cast<double>(c.value());
  }
  void add(const std::vector<std::string>& values, const gauge& g) { add(values, g.value()); }
  void add(const std::vector<std::string>& values, const histogram& h) {
    total& t = at(values);
    for (std::size_t i = 0; i < t.counts.size(); ++i) t.counts[i] += h.count(i);
    t.sum_ns += h.sum_ns();
  }
  void add(const std::vector<std::string>& values, double number) {
    const bool first = !series_.contains(values);
    total& t = at(values);
    t.number = first ? number : folded(t.number, number);
  }

  std::vector<ClientMetric> finish() {
    if (row_.labels.empty()) at({});
    std::vector<ClientMetric> out;
    out.reserve(series_.size());
    for (const auto& [values, t] : series_) out.push_back(metric(values, t));
    return out;
  }

 private:
  struct total {
    double number = 0;
    std::uint64_t sum_ns = 0;
    std::vector<std::uint64_t> counts;
  };

  double folded(double so_far, double number) const noexcept {
    switch (row_.fold) {
      case fold::sum:
        return so_far + number;
      case fold::max:
        return std::max(so_far, number);
      case fold::min:
        return std::min(so_far, number);
    }
    return number;
  }

  total& at(const std::vector<std::string>& values) {
    total& t = series_[values];
    if (row_.kind == kind::histogram) t.counts.resize(row_.bounds.size() + 1);
    return t;
  }

  ClientMetric metric(const std::vector<std::string>& values, const total& t) const {
    ClientMetric out;
    for (std::size_t i = 0; i < values.size(); ++i) out.label.push_back({row_.labels[i], values[i]});
    switch (row_.kind) {
      case kind::counter:
        out.counter.value = t.number;
        break;
      case kind::gauge:
        out.gauge.value = t.number;
        break;
      case kind::histogram:
        fill(out.histogram, t);
        break;
    }
    return out;
  }

  // The count is the sum of the buckets rather than a cell of its own: a scrape in the middle of an observe() must not
  // show a +Inf bucket that is smaller than a finite one.
  void fill(ClientMetric::Histogram& out, const total& t) const {
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < row_.bounds.size(); ++i) {
      so_far += t.counts[i];
      out.bucket.push_back({so_far, static_cast<double>(row_.bounds[i]) / 1e9});
    }
    out.sample_count = so_far + t.counts.back();
    out.sample_sum = static_cast<double>(t.sum_ns) / 1e9;
  }

  const family_row& row_;
  std::map<std::vector<std::string>, total> series_;
};

}  // namespace

computed& computed::operator=(computed&& other) noexcept {
  if (this != &other) {
    if (owner_) owner_->remove_computed(id_);
    owner_ = std::exchange(other.owner_, nullptr);
    id_ = other.id_;
  }
  return *this;
}

computed::~computed() {
  if (owner_) owner_->remove_computed(id_);
}

shard& registry::add_shard() {
  const std::scoped_lock lock{mutex_};
  return shards_.emplace_back(families_.rows());
}

void registry::attach(std::unique_ptr<prometheus::Collectable> other) {
  const std::scoped_lock lock{mutex_};
  attached_.push_back(std::move(other));
}

computed registry::add_computed(std::uint32_t family, source ask) {
  const std::scoped_lock lock{mutex_};
  computed_.push_back({next_id_, family, std::move(ask)});
  return {*this, next_id_++};
}

void registry::remove_computed(std::uint64_t id) noexcept {
  const std::scoped_lock lock{mutex_};
  std::erase_if(computed_, [id](const computed_row& row) { return row.id == id; });
}

prometheus::MetricFamily registry::collect_family(std::size_t index) const {
  const family_row& row = families_.rows()[index];
  totals sums{row};
  for (const shard& one : shards_) {
    one.for_each(index, [&sums](const std::vector<std::string>& values, shard::series which) {
      std::visit([&](const auto* metric) { sums.add(values, *metric); }, which);
    });
  }
  const receiver into = [&sums](const std::vector<std::string>& values, double number) { sums.add(values, number); };
  for (const computed_row& one : computed_) {
    if (one.family == index) one.ask(into);
  }
  return {row.name, row.help, type_of(row.kind), sums.finish()};
}

std::vector<prometheus::MetricFamily> registry::Collect() const {
  const std::scoped_lock lock{mutex_};
  std::vector<prometheus::MetricFamily> out;
  for (std::size_t i = 0; i < families_.rows().size(); ++i) out.push_back(collect_family(i));
  for (const auto& other : attached_) std::ranges::move(other->Collect(), std::back_inserter(out));
  return out;
}

std::vector<registry::example> registry::examples() const {
  const std::scoped_lock lock{mutex_};
  std::map<std::tuple<std::string, std::vector<std::string>, std::size_t>, exemplar> latest;
  for (std::size_t i = 0; i < families_.rows().size(); ++i) {
    const auto& row = families_.rows()[i];
    if (row.kind != kind::histogram) continue;
    const auto note = [&](const std::vector<std::string>& values, shard::series which) {
      const auto& from = *std::get<const histogram*>(which);
      for (std::size_t bucket = 0; bucket <= row.bounds.size(); ++bucket) {
        const auto one = from.example(bucket);
        if (one.at_ms == 0) continue;
        auto& known = latest[{row.name, values, bucket}];
        if (one.at_ms > known.at_ms) known = one;
      }
    };
    for (const shard& each : shards_) each.for_each(i, note);
  }
  std::vector<example> out;
  for (auto& [where, one] : latest) out.push_back({std::get<0>(where), std::get<1>(where), std::get<2>(where), one});
  return out;
}

std::string render(const prometheus::Collectable& what) {
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, what.Collect());
  return std::move(out).str();
}

}  // namespace gateway::metrics
