#pragma once

#include "foundation/metrics/catalogue.hpp"
#include "foundation/metrics/shard.hpp"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::metrics {

class registry;

// As long as it lives, a scrape calls the callback; its destructor waits for a scrape in progress, so the callback may
// use whatever outlives this object.
class [[nodiscard]] computed {
 public:
  computed() = default;
  computed(computed&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)}, id_{other.id_} {}
  computed& operator=(computed&& other) noexcept;
  ~computed();

 private:
  friend class registry;
  computed(registry& owner, std::uint64_t id) : owner_{&owner}, id_{id} {}

  registry* owner_ = nullptr;
  std::uint64_t id_ = 0;
};

// What a callback gives its values to: add(value, "label value", ...).
template <std::size_t Labels>
class samples {
 public:
  using receiver = std::function<void(std::vector<std::string>, double)>;
  explicit samples(const receiver& to) : to_{to} {}

  template <std::convertible_to<std::string_view>... Values>
    requires(sizeof...(Values) == Labels)
  void add(double value, const Values&... values) {
    to_({std::string{std::string_view{values}}...}, value);
  }

 private:
  const receiver& to_;
};

// Adds the shards up when somebody scrapes. All functions may be called from any thread. It outlives all its shards'
// writers and all `computed`.
class registry final : public prometheus::Collectable {
 public:
  explicit registry(catalogue families) : families_{std::move(families)} {}
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  // A new shard for one writing thread; it lives as long as the registry.
  shard& add_shard();

  // A family whose values are known somewhere else (a pool, a snapshot): asked for at each scrape, on the scraping
  // thread, and added to what shards hold (folded as the family says). The callback must not call the registry, and
  // must itself be safe against the threads that write what it reads.
  template <class Metric, std::size_t N, std::invocable<samples<N>&> Callback>
    requires(std::same_as<Metric, counter> || std::same_as<Metric, gauge>)
  computed compute(family<Metric, N> which, Callback callback) {
    return add_computed(which.index, [callback = std::move(callback)](const receiver& to) {
      samples<N> into{to};
      callback(into);
    });
  }

  // Something that has families of its own (the process), after ours in the answer.
  void attach(std::unique_ptr<prometheus::Collectable> other);

  // Of one bucket of one series.
  struct example {
    std::string family;
    std::vector<std::string> values;
    std::size_t bucket = 0;
    exemplar last;
  };
  // What histograms hold of traced observations: the latest of the shards' for each bucket.
  std::vector<example> examples() const;

  // Families in the order of declaration, series ordered by their label values. A family without labels always has its
  // one series, from the start.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  friend class computed;
  using receiver = std::function<void(std::vector<std::string>, double)>;
  using source = std::function<void(const receiver&)>;
  struct computed_row {
    std::uint64_t id;
    std::uint32_t family;
    source ask;
  };

  computed add_computed(std::uint32_t family, source ask);
  void remove_computed(std::uint64_t id) noexcept;
  prometheus::MetricFamily collect_family(std::size_t index) const;

  const catalogue families_;
  mutable std::mutex mutex_;
  std::list<shard> shards_;
  std::list<computed_row> computed_;
  std::vector<std::unique_ptr<prometheus::Collectable>> attached_;
  std::uint64_t next_id_ = 1;
};

// The Prometheus text format, version 0.0.4. Any thread.
std::string render(const prometheus::Collectable& what);
inline constexpr std::string_view text_content_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace gateway::metrics
