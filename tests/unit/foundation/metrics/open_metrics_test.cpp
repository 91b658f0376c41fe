#include "foundation/metrics/open_metrics.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <thread>

using namespace gateway::metrics;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view trace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view other = "0af7651916cd43dd8448eb211c80319c";

}  // namespace

TEST_CASE("the older format's families, with counters named as OpenMetrics has it and an end") {
  catalogue families{""};
  const auto answered = families.add_counter("answers_total", "Answers of \"all\" kinds.", {"code"});
  const auto open = families.add_gauge("open", "Open.");
  registry all{std::move(families)};
  all.add_shard().at(answered, "2\"0\n0").add(3);
  all.add_shard().at(open).set(0.5);
  CHECK(render_open(all) ==
        "# HELP answers Answers of \\\"all\\\" kinds.\n# TYPE answers counter\nanswers_total{code=\"2\\\"0\\n0\"} 3\n"
        "# HELP open Open.\n# TYPE open gauge\nopen 0.5\n# EOF\n");
}

TEST_CASE("a bucket has one name in both formats, however small") {
  constexpr std::array<std::chrono::nanoseconds, 5> bounds{100us, 250us, 500us, 1ms, 1min};
  catalogue families{""};
  const auto took = families.add_histogram("took_seconds", "Took.", bounds);
  registry all{std::move(families)};
  all.add_shard().at(took).observe(1s);
  const auto open = render_open(all);
  const auto text = render(all);
  for (const std::string le : {"0.0001", "0.00025", "0.0005", "0.001", "60"}) {
    CHECK_MESSAGE(open.contains("le=\"" + le + "\"} "), open);
    CHECK_MESSAGE(text.contains("le=\"" + le + "\"} "), text);
  }
}

TEST_CASE("a bucket shows the last trace that fell into it, and others none") {
  constexpr std::array bounds{std::chrono::nanoseconds{10ms}, std::chrono::nanoseconds{1s}};
  catalogue families{""};
  const auto took = families.add_histogram("took_seconds", "Took.", {"route"}, bounds);
  registry all{std::move(families)};
  auto& one = all.add_shard().at(took, "a");
  auto& two = all.add_shard().at(took, "a");
  one.observe(5ms);
  one.observe(500ms, trace, 1'700'000'000'250ms);
  two.observe(400ms, other, 1'700'000'000'500ms);
  one.observe(2s, trace, 1'700'000'000'750ms);
  CHECK(
      render_open(all) ==
      "# HELP took_seconds Took.\n# TYPE took_seconds histogram\n"
      "took_seconds_bucket{route=\"a\",le=\"0.01\"} 1\n"
      "took_seconds_bucket{route=\"a\",le=\"1\"} 3 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 0.4 1700000000.5\n"
      "took_seconds_bucket{route=\"a\",le=\"+Inf\"} 4 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 2 "
      "1700000000.75\n"
      "took_seconds_sum{route=\"a\"} 2.905\n"
      "took_seconds_count{route=\"a\"} 4\n"
      "# EOF\n");
  CHECK_FALSE(render(all).contains("trace_id"));
}

TEST_CASE("whoever reads while an exemplar is written sees a whole one or none") {
  exemplar_cell cell;
  std::atomic<bool> stop{false};
  std::jthread writer{[&] {
    for (std::int64_t i = 1; !stop; ++i) {
      exemplar one{.value_ns = i, .at_ms = i};
      one.trace_id.fill(static_cast<char>('a' + i % 26));
      cell.set(one);
    }
  }};
  bool whole = true;
  for (int i = 0; i < 100'000; ++i) {
    const auto seen = cell.get();
    if (seen.at_ms == 0) continue;
    whole = whole && seen.value_ns == seen.at_ms && seen.trace_id.front() == static_cast<char>('a' + seen.at_ms % 26) &&
            seen.trace_id.front() == seen.trace_id.back();
  }
  stop = true;
  CHECK(whole);
}
