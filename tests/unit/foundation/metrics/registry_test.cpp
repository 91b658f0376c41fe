#include "foundation/metrics/registry.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gateway;
using namespace std::chrono_literals;
using metrics::catalogue;
using metrics::registry;

TEST_CASE("a scrape sums the counters of all shards, series by series") {
  catalogue families{""};
  const auto answered = families.add_counter("answers_total", "Answers.", {"route", "code"});
  registry all{std::move(families)};
  auto& one = all.add_shard();
  auto& two = all.add_shard();
  one.at(answered, "create", "201").add(2);
  two.at(answered, "create", "201").add(3);
  two.at(answered, "create", "400").add();

  CHECK(metrics::render(all) ==
        "# HELP answers_total Answers.\n"
        "# TYPE answers_total counter\n"
        "answers_total{route=\"create\",code=\"201\"} 5\n"
        "answers_total{route=\"create\",code=\"400\"} 1\n");
}

TEST_CASE("a handle is made once and keeps its address while many others are made") {
  catalogue families{""};
  const auto answered = families.add_counter("answers_total", "Answers.", {"code"});
  const auto times = families.add_histogram("times_seconds", "Times.", {"code"});
  registry all{std::move(families)};
  auto& shard = all.add_shard();
  auto& counter = shard.at(answered, "200");
  auto& histogram = shard.at(times, "200");
  for (int i = 0; i < 1000; ++i) {
    shard.at(answered, std::to_string(i)).add();
    shard.at(times, std::to_string(i)).observe(1ms);
  }

  CHECK(&shard.at(answered, "200") == &counter);
  CHECK(&shard.at(times, std::string{"200"}) == &histogram);
  CHECK(counter.value() == 1);
  CHECK(&all.add_shard().at(answered, "200") != &counter);
}

TEST_CASE("gauges of several shards add up, or show the worst, as the family says") {
  catalogue families{""};
  const auto open = families.add_gauge("open", "Open.");
  const auto lag = families.add_gauge("lag_seconds", "Lag.", metrics::fold::max);
  registry all{std::move(families)};
  auto& one = all.add_shard();
  auto& two = all.add_shard();
  one.at(open).add(5);
  one.at(open).add(-2);
  two.at(open).add(4);
  one.at(lag).set(0.25);
  two.at(lag).set(0.125);

  CHECK(metrics::render(all) ==
        "# HELP open Open.\n# TYPE open gauge\nopen 7\n"
        "# HELP lag_seconds Lag.\n# TYPE lag_seconds gauge\nlag_seconds 0.25\n");
}

TEST_CASE("the worst of negative gauges is the greatest, not zero") {
  catalogue families{""};
  const auto left = families.add_gauge("left", "Left.", metrics::fold::max);
  registry all{std::move(families)};
  all.add_shard().at(left).set(-3);
  all.add_shard().at(left).set(-2);
  CHECK(metrics::render(all).ends_with("\nleft -2\n"));
}

TEST_CASE("of limits that several loops learn, the least is shown") {
  catalogue families{""};
  const auto limit = families.add_gauge("limit_seconds", "Limit.", {"account"}, metrics::fold::min);
  registry all{std::move(families)};
  all.add_shard().at(limit, "a").set(50);
  all.add_shard().at(limit, "a").set(3);
  all.add_shard().at(limit, "a").set(20);
  CHECK(metrics::render(all).ends_with("\nlimit_seconds{account=\"a\"} 3\n"));
}

TEST_CASE("a family without labels shows zero before anybody wrote it, one with labels shows no series") {
  catalogue families{""};
  families.add_counter("lost_total", "Lost.");
  families.add_counter("answers_total", "Answers.", {"code"});
  const registry all{std::move(families)};
  CHECK(metrics::render(all) ==
        "# HELP lost_total Lost.\n# TYPE lost_total counter\nlost_total 0\n"
        "# HELP answers_total Answers.\n# TYPE answers_total counter\n");
}

TEST_CASE("backslashes, quotes and line breaks in label values are escaped") {
  catalogue families{""};
  const auto answered = families.add_counter("answers_total", "Answers.", {"caller"});
  registry all{std::move(families)};
  all.add_shard().at(answered, "a\"b\\c\nd").add();
  CHECK(metrics::render(all).ends_with("\nanswers_total{caller=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST_CASE("large counts keep every digit") {
  catalogue families{""};
  const auto answered = families.add_counter("answers_total", "Answers.");
  registry all{std::move(families)};
  all.add_shard().at(answered).add(123'456'789'012'345);
  CHECK(metrics::render(all).ends_with("\nanswers_total 123456789012345\n"));
}

TEST_CASE("histogram buckets are cumulative over shards, include their bound, and the sum is in seconds") {
  catalogue families{""};
  const std::vector<std::chrono::nanoseconds> bounds{1ms, 10ms, 2500ms};
  const auto times = families.add_histogram("times_seconds", "Times.", {"stage"}, bounds);
  registry all{std::move(families)};
  auto& one = all.add_shard().at(times, "queue");
  auto& two = all.add_shard().at(times, "queue");
  one.observe(500us);
  one.observe(1ms);        // le: belongs to 0.001
  one.observe(1ms + 1ns);  // and this no more
  two.observe(2500ms);
  two.observe(1h);
  two.observe(-5s);  // a clock's fault

  CHECK(metrics::render(all) ==
        "# HELP times_seconds Times.\n"
        "# TYPE times_seconds histogram\n"
        "times_seconds_count{stage=\"queue\"} 6\n"
        "times_seconds_sum{stage=\"queue\"} 3602.502500001\n"
        "times_seconds_bucket{stage=\"queue\",le=\"0.001\"} 3\n"
        "times_seconds_bucket{stage=\"queue\",le=\"0.01\"} 4\n"
        "times_seconds_bucket{stage=\"queue\",le=\"2.5\"} 5\n"
        "times_seconds_bucket{stage=\"queue\",le=\"+Inf\"} 6\n");
}

TEST_CASE("a computed gauge is asked at each scrape until its registration ends") {
  catalogue families{""};
  const auto open = families.add_gauge("open", "Open.", {"state"});
  registry all{std::move(families)};
  int idle = 3;
  {
    const auto registration = all.compute(open, [&idle](auto& out) {
      out.add(idle, "idle");
      out.add(1, "busy");
    });
    CHECK(metrics::render(all).ends_with("gauge\nopen{state=\"busy\"} 1\nopen{state=\"idle\"} 3\n"));
    idle = 4;
    CHECK(metrics::render(all).ends_with("gauge\nopen{state=\"busy\"} 1\nopen{state=\"idle\"} 4\n"));
  }
  CHECK(metrics::render(all).ends_with("gauge\n"));
}

TEST_CASE("computed values add to what shards hold and to each other") {
  catalogue families{""};
  const auto lost = families.add_counter("lost_total", "Lost.");
  registry all{std::move(families)};
  all.add_shard().at(lost).add(1);
  auto first = all.compute(lost, [](auto& out) { out.add(10); });
  const auto second = all.compute(lost, [](auto& out) { out.add(100); });
  CHECK(metrics::render(all).ends_with("\nlost_total 111\n"));
  first = metrics::computed{};
  CHECK(metrics::render(all).ends_with("\nlost_total 101\n"));
}

TEST_CASE("what is attached follows the registry's own families") {
  struct other final : prometheus::Collectable {
    std::vector<prometheus::MetricFamily> Collect() const override {
      prometheus::ClientMetric metric;
      metric.gauge.value = 7;
      return {{"other", "Other.", prometheus::MetricType::Gauge, {metric}}};
    }
  };
  catalogue families{""};
  families.add_counter("lost_total", "Lost.");
  registry all{std::move(families)};
  all.attach(std::make_unique<other>());
  CHECK(metrics::render(all) ==
        "# HELP lost_total Lost.\n# TYPE lost_total counter\nlost_total 0\n"
        "# HELP other Other.\n# TYPE other gauge\nother 7\n");
}
