#include "foundation/metrics/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

using namespace gateway;
using namespace std::chrono_literals;

namespace {

constexpr int rounds = 20'000;

struct families {
  metrics::catalogue all{""};
  metrics::family<metrics::counter, 1> answered = all.add_counter("answers_total", "Answers.", {"code"});
  metrics::family<metrics::histogram, 0> times = all.add_histogram("times_seconds", "Times.");
};

// What a loop does: old handles written, now and then a new one made.
void write(metrics::shard& mine, const families& of) {
  auto& ok = mine.at(of.answered, "200");
  auto& times = mine.at(of.times);
  for (int i = 0; i < rounds; ++i) {
    ok.add();
    times.observe(2ms);
    if (i % 1000 == 0) mine.at(of.answered, std::to_string(300 + i / 1000)).add();
  }
}

double value(const std::vector<prometheus::ClientMetric>& series, const std::string& code) {
  const auto found = std::ranges::find(series, code, [](const auto& one) { return one.label.at(0).value; });
  return found == series.end() ? 0 : found->counter.value;
}

}  // namespace

TEST_CASE("two loops write while a scrape reads: no count is lost, none goes backwards, buckets never contradict") {
  families of;
  metrics::registry all{std::move(of.all)};
  auto& one = all.add_shard();
  auto& two = all.add_shard();
  std::atomic<int> running = 2;
  std::thread first{[&] { write(one, of), --running; }};
  std::thread second{[&] { write(two, of), --running; }};

  double last = 0;
  bool rising = true;
  bool consistent = true;
  do {
    const auto seen = all.Collect();
    const double now = value(seen.at(0).metric, "200");
    rising = rising && now >= last;
    last = now;
    const auto& times = seen.at(1).metric.at(0).histogram;
    consistent = consistent && times.bucket.back().cumulative_count == times.sample_count;
  } while (running > 0);
  first.join();
  second.join();

  CHECK(rising);
  CHECK(consistent);
  const auto seen = all.Collect();
  CHECK(value(seen.at(0).metric, "200") == 2 * rounds);
  CHECK(value(seen.at(0).metric, "319") == 2);
  CHECK(seen.at(1).metric.at(0).histogram.sample_count == 2 * rounds);
  CHECK(seen.at(1).metric.at(0).histogram.sample_sum == doctest::Approx(80));
}
