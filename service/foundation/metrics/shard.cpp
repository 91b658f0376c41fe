#include "foundation/metrics/shard.hpp"

namespace gateway::metrics {

template <class Metric, class Make>
Metric& shard::find_or_make(std::uint32_t index, labels values, Make make) {
  std::vector<std::string> key{values.begin(), values.end()};
  const std::scoped_lock lock{mutex_};
  auto& of_family = series_.at(index);
  auto found = of_family.find(key);
  if (found == of_family.end()) found = of_family.emplace(std::move(key), &make()).first;
  return *std::get<Metric*>(found->second);
}

counter& shard::find_or_add(counter*, std::uint32_t index, labels values) {
  return find_or_make<counter>(index, values, [this]() -> counter& { return counters_.add(); });
}

gauge& shard::find_or_add(gauge*, std::uint32_t index, labels values) {
  return find_or_make<gauge>(index, values, [this]() -> gauge& { return gauges_.add(); });
}

histogram& shard::find_or_add(histogram*, std::uint32_t index, labels values) {
  return find_or_make<histogram>(
      index, values, [this, index]() -> histogram& { return histograms_.emplace_back(families_[index].bounds); });
}

void shard::for_each(std::size_t index,
                     const std::function<void(const std::vector<std::string>&, series)>& visit) const {
  const std::scoped_lock lock{mutex_};
  for (const auto& [values, which] : series_.at(index)) {
    visit(values, std::visit([](const auto* metric) { return series{metric}; }, which));
  }
}

}  // namespace gateway::metrics
